--- Requests to the App Store Connect API: JSON:API documents, lists in pages, and errors in
--- Apple's own words.
---
--- A request that makes something is not sent twice blindly: when its answer was lost, it is
--- asked first whether the thing is there.

local call = require "orch.deploy.call"
local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local json = require "orch.json"
local key = require "orch.deploy.testflight.key"
local retry = require "orch.retry"

local api = {}

local BASE_URL = "https://api.appstoreconnect.apple.com"
local SKEW = 60 -- seconds that a clock may be off before it is worth a word
local PAGE = 200

---@class orch.deploy.testflight.Api
---@field client orch.deploy.Client
---@field storage orch.deploy.Client for the parts of a file: other hosts, without the token
---@field policy table of orch.retry
local Api = {}
Api.__index = Api

---@class orch.deploy.AppleError
---@field code string? such as "ENTITY_ERROR.ATTRIBUTE.INVALID"
---@field title string?
---@field detail string?
---@field pointer string? what of the request it means: "/data/attributes/platform"

local function one_error(item)
  return { code = item.code, title = item.title, detail = item.detail,
    pointer = type(item.source) == "table" and (item.source.pointer or item.source.parameter)
      or nil }
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

local function errors_of(response)
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
function api.words(list, coded)
  local said = {}
  for i, one in ipairs(list) do
    said[i] = sentence(one)
    if coded and one.code then said[i] = said[i]:gsub("%.$", "") .. " (" .. one.code .. ")" end
  end
  return said[1] and table.concat(said, "; ") or nil
end

local function hint(response)
  if response.status == 403 then return "has the key a role that may do this?" end
  if response.status ~= 401 then return nil end
  local skew = failure.clock_skew(response)
  if skew and math.abs(skew) > SKEW then
    return ("the clock of this machine is %d s %s the server's, and a token counts by the "
      .. "clock: set it right"):format(math.abs(skew), skew > 0 and "ahead of" or "behind")
  end
  return "do key, key_id and issuer_id belong together, and is the key not revoked?"
end

local function words(response)
  local list = errors_of(response)
  return api.words(list), list[1] and list[1].code, hint(response)
end

--- Amazon's and Apple's storage speak XML.
local function storage_words(response)
  return response.body:match "<Message>(.-)</Message>", response.body:match "<Code>(.-)</Code>"
end

local function policy_of(value)
  if value == false then return { attempts = 1 } end
  local policy = { attempts = 5 }
  for name, item in next, type(value) == "table" and value or {} do
    if name ~= "methods" then policy[name] = item end
  end
  return policy
end

---@async
---@param fname string
---@param o table the options of the call
---@return orch.deploy.testflight.Api
function api.open(fname, o)
  return setmetatable({
    client = call.client { service = "testflight", base_url = o.base_url or BASE_URL,
      http = o.http, retry = o.retry, auth = key.open(fname, o), words = words },
    storage = call.client { service = "testflight", http = o.http, retry = o.retry,
      words = storage_words },
    policy = policy_of(o.retry),
  }, Api)
end

--- What is null is not there.
local function without_null(value)
  for name, item in next, value do
    if item == json.null then
      value[name] = nil
    elseif type(item) == "table" then
      without_null(item)
    end
  end
  return value
end

function Api:request(what, method, path, opts)
  local ok, result = pcall(self.client.request, self.client, what, method, path, opts)
  if not ok then
    if errors.is(result) and result.response then result.errors = errors_of(result.response) end
    error(result, 0)
  end
  if result.status == 204 or result.body == "" then return {} end
  return without_null(result:json())
end

---@async
---@param what string the end of "cannot ..."
---@param path string
---@param query table?
---@return table document
function Api:get(what, path, query)
  return self:request(what, "GET", path, { query = query })
end

---All of a list, which comes in pages.
---@async
---@return table[] resources
function Api:list(what, path, query)
  query = query or {}
  query.limit = query.limit or PAGE
  local document = self:get(what, path, query)
  local all = document.data
  while document.links and document.links.next do
    document = self:get(what, document.links.next)
    table.move(document.data, 1, #document.data, #all + 1, all)
  end
  return all
end

---Sends a document. `already`, where it is given, is asked before a further attempt: what it
---returns stands for the answer.
---@async
---@param what string
---@param method "POST"|"PATCH"
---@param path string
---@param data any the document's `data`
---@param already (async fun(): any)?
---@return any data
function Api:send(what, method, path, data, already)
  return (retry(function(attempt)
    local found = attempt > 1 and already and already()
    if found then return found end
    return self:request(what, method, path, { json = { data = data }, retry = false }).data
  end, self.policy))
end

return api
