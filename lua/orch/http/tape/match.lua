--- Whether a live request is one that was recorded, and where they differ. Both are in
--- the form of a tape's field "request", redacted; `***` in the recorded one stands for
--- anything.
---
---     local differences, cost = match.compare(recorded, live, { "range" })

local address = require "orch.http.tape.address"
local body = require "orch.http.tape.body"
local json = require "orch.json"
local redactor = require "orch.http.tape.redact"
local request = require "orch.http.tape.request"

local match = {}

local MASK = redactor.MASK
local SHOWN = 60
local METHOD, ORIGIN, PATH, SOME = 5, 8, 3, 1

---@param recorded string
---@param live string
---@return boolean
local function fits(recorded, live)
  if recorded == live then return true end
  local at, stop = recorded:find(MASK, 1, true)
  if not at or live:sub(1, at - 1) ~= recorded:sub(1, at - 1) then return false end
  local from = at
  while true do
    local next_at, next_stop = recorded:find(MASK, stop + 1, true)
    local piece = recorded:sub(stop + 1, (next_at or 0) - 1)
    if not next_at then
      return #live - from + 1 >= #piece and live:sub(#live - #piece + 1) == piece
    end
    local _, found = live:find(piece, from, true)
    if not found then return false end
    from, stop = found + 1, next_stop
  end
end
match.fits = fits

local function quoted(value)
  if value == nil then return "absent" end
  local ok, text = pcall(json.encode, value, { sorted = true })
  if not ok then return ("%d bytes"):format(#value) end -- a string that is no text
  if #text <= SHOWN then return text end
  local stop = SHOWN
  while text:byte(stop + 1) & 0xC0 == 0x80 do stop = stop - 1 end
  return text:sub(1, stop) .. "..."
end

local function differ(found, what, recorded, live, cost)
  found.cost = found.cost + cost
  found[#found + 1] = ("%s was %s and is now %s"):format(what, quoted(recorded), quoted(live))
end

--- Names with their values, sorted, on both sides.
local function compare_pairs(found, what, recorded, live)
  local i, j = 1, 1
  while recorded[i] or live[j] do
    local a, b = recorded[i], live[j]
    if a and b and a[1] == b[1] then
      if not fits(a[2], b[2]) then differ(found, what .. a[1], a[2], b[2], SOME) end
      i, j = i + 1, j + 1
    elseif not b or a and a[1] < b[1] then
      differ(found, what .. a[1], a[2], nil, SOME)
      i = i + 1
    else
      differ(found, what .. b[1], nil, b[2], SOME)
      j = j + 1
    end
  end
end

--- 0 to 1: how much of the longer one is not at the start of both.
local function unlike(a, b)
  local same, longest = 0, math.max(#a, #b)
  while same < longest and a:byte(same + 1) == b:byte(same + 1) do same = same + 1 end
  return 1 - same / longest
end

local function compare_url(found, recorded, live)
  local a, b = address.split(recorded), address.split(live)
  if not fits(a.origin, b.origin) then differ(found, "the host", a.origin, b.origin, ORIGIN) end
  if not fits(a.path, b.path) then
    differ(found, "the path", a.path, b.path, PATH + unlike(a.path, b.path))
  end
  compare_pairs(found, "the query parameter ", a.query, b.query)
end

local function step(path, key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return path .. "." .. key end
  return ("%s[%s]"):format(path, quoted(key))
end

--- The names in either, sorted.
local function keys_of(a, b)
  local keys = {}
  for key in pairs(a) do keys[#keys + 1] = key end
  for key in pairs(b) do
    if a[key] == nil then keys[#keys + 1] = key end
  end
  table.sort(keys, function(x, y)
    if type(x) == type(y) then return x < y end
    return type(x) == "number"
  end)
  return keys
end

local function compare_json(found, path, recorded, live)
  if type(recorded) == "table" and type(live) == "table" then
    for _, key in ipairs(keys_of(recorded, live)) do
      compare_json(found, step(path, key), recorded[key], live[key])
    end
    return
  end
  if recorded == live or recorded == MASK and live ~= nil then return end
  if type(recorded) == "string" and type(live) == "string" and fits(recorded, live) then
    return
  end
  differ(found, "the body at " .. (path == "" and "its root" or path), recorded, live, SOME)
end

--- Where two texts part, shortly.
local function compare_text(found, recorded, live)
  if fits(recorded, live) then return end
  local at = 1
  while at <= #recorded and recorded:byte(at) == live:byte(at) do at = at + 1 end
  if recorded:find(MASK, 1, true) and at > recorded:find(MASK, 1, true) then at = 1 end
  differ(found, ("the body from byte %d"):format(at), recorded:sub(at, at + SHOWN),
    live:sub(at, at + SHOWN), SOME)
end

local function is_form(one)
  local kind = request.header(one.headers or {}, "content-type")
  return kind and kind:lower():find("application/x-www-form-urlencoded", 1, true)
end

local function what_of(one)
  if one.json ~= nil then return "JSON" end
  if one.text ~= nil then return "text" end
  if one.base64 ~= nil then return "bytes" end
  if one.parts ~= nil then return "parts with files" end
  if one.sha256 ~= nil then return ("%d bytes"):format(one.size or 0) end
  return "no body"
end

local function compare_parts(found, recorded, live)
  if #recorded ~= #live then
    return differ(found, "the number of parts in the body", #recorded, #live, SOME)
  end
  for i, a in ipairs(recorded) do
    local b = live[i]
    if a.sha256 or b.sha256 then
      if a.sha256 ~= b.sha256 then
        differ(found, ("the file in part %d of the body"):format(i), a.file, b.file, SOME)
      end
    else
      compare_text(found, body.decode(a) or "", body.decode(b) or "")
    end
  end
end

local function compare_body(found, recorded, live)
  if recorded.cut then return end -- the answer came before all of it was sent
  local a, b = what_of(recorded), what_of(live)
  if a ~= b then
    found.cost = found.cost + SOME
    found[#found + 1] = ("the body was %s and is now %s"):format(a, b)
  elseif a == "JSON" then
    compare_json(found, "", recorded.json, live.json)
  elseif recorded.parts then
    compare_parts(found, recorded.parts, live.parts)
  elseif recorded.sha256 then
    if recorded.sha256 ~= live.sha256 then
      differ(found, "the digest of the body", recorded.sha256:sub(1, 12),
        live.sha256:sub(1, 12), SOME)
    end
  elseif a ~= "no body" then
    local x, y = body.decode(recorded), body.decode(live)
    if is_form(recorded) and is_form(live) then
      compare_pairs(found, "the form field ", address.pairs(x), address.pairs(y))
    else
      compare_text(found, x, y)
    end
  end
end

---Where two requests differ.
---@param recorded table the field "request" of an exchange
---@param live table the same of the request to answer
---@param headers string[] lower-case names of those that are compared as well
---@return {[integer]: string, cost: number} sentences; none: they are the same
function match.compare(recorded, live, headers)
  local found = { cost = 0 }
  if recorded.method ~= live.method then
    differ(found, "the method", recorded.method, live.method, METHOD)
  end
  compare_url(found, recorded.url, live.url)
  for _, name in ipairs(headers) do
    local a = request.header(recorded.headers or {}, name)
    local b = request.header(live.headers or {}, name)
    if a ~= b and not (a and b and fits(a, b)) then
      differ(found, "the header " .. name, a, b, SOME)
    end
  end
  compare_body(found, recorded, live)
  return found
end

return match
