--- What App Store Connect says of a request that it refuses: JSON:API errors as one sentence,
--- and the way out where there is one.

local failure = require "orch.deploy.failure"

local words = {}

local SKEW = 60 -- seconds that a clock may be off before it is worth a word

---@class orch.deploy.AppleError
---@field code string? such as "ENTITY_ERROR.ATTRIBUTE.INVALID"
---@field title string?
---@field detail string?
---@field pointer string? what of the request it means: "/data/attributes/platform"

local function text(value) return type(value) == "string" and value or nil end

local function one_error(item)
  local source = type(item.source) == "table" and item.source or {}
  return { code = text(item.code), title = text(item.title), detail = text(item.detail),
    pointer = text(source.pointer) or text(source.parameter) }
end

--- Some errors are only the heading of others.
local function collect(list, items)
  for _, item in ipairs(items) do
    list[#list + 1] = one_error(item)
    local associated = type(item.meta) == "table" and item.meta.associatedErrors
    for _, path in ipairs(require("orch.arg").keys_of(associated or {})) do
      collect(list, associated[path])
    end
  end
  return list
end

---The errors of an answer; none where it is no such answer.
---@param response orch.http.Response
---@return orch.deploy.AppleError[]
function words.list(response)
  local ok, list = pcall(function() return collect({}, response:json().errors) end)
  return ok and list or {}
end

local function sentence(one)
  local said = one.detail or one.title or one.code or "no reason given"
  if one.title and not said:find(one.title, 1, true) then
    said = one.title:gsub("%.$", "") .. ": " .. said
  end
  if one.pointer then said = said:gsub("%.$", "") .. " [" .. one.pointer .. "]" end
  return said
end

---The errors of a list as one sentence.
---@param list orch.deploy.AppleError[]
---@param coded boolean? with their codes
---@return string?
function words.sentence(list, coded)
  local said = {}
  for i, one in ipairs(list) do
    said[i] = sentence(one)
    if coded and one.code then said[i] = said[i]:gsub("%.$", "") .. " (" .. one.code .. ")" end
  end
  return said[1] and table.concat(said, "; ") or nil
end

--- Apple counts the requests of a key in the last 60 minutes, and says no time to come back.
local function rate(response)
  local limit = (response.headers["x-rate-limit"] or ""):match "user%-hour%-lim:(%d+)"
  return limit and ("a key may ask %s times an hour; is it in use elsewhere?"):format(limit) or nil
end

local function hint(response, issuer_id)
  if response.status == 429 then return rate(response) end
  if response.status == 403 then return "has the key a role that may do this?" end
  if response.status ~= 401 then return nil end
  local skew = failure.clock_skew(response)
  if skew and math.abs(skew) > SKEW then
    return ("the clock of this machine is %d s %s the server's, and a token counts by the "
      .. "clock: set it right"):format(math.abs(skew), skew > 0 and "ahead of" or "behind")
  end
  if not issuer_id then return "a key of a team needs the option `issuer_id`, too" end
  return "do key, key_id and issuer_id belong together, and is the key not revoked?"
end

---@param issuer_id string? that the script gave
---@return fun(response: orch.http.Response): string?, string?, string? for a client: the
---  sentence, the code, the hint
function words.reader(issuer_id)
  return function(response)
    local list = words.list(response)
    return words.sentence(list), list[1] and list[1].code, hint(response, issuer_id)
  end
end

---The storage of the parts speaks XML.
---@param response orch.http.Response
---@return string? sentence
---@return string? code
function words.of_storage(response)
  return response.body:match "<Message>(.-)</Message>", response.body:match "<Code>(.-)</Code>"
end

return words
