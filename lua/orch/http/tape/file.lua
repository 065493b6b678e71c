--- A tape on the disk: JSON values one after the other, the first of which says the
--- version; each further one is an exchange. What is appended is whole or, after a
--- crash, the last and dropped.
---
---     local list, good = file.read "api.tape"
---     file.append("api.tape", file.text(fields))

local errors = require "orch.core.error"
local fs = require "orch.fs"
local body = require "orch.http.tape.body"
local check = require "orch.http.tape.check"
local json = require "orch.json"
local layout = require "orch.http.tape.layout"

local VERSION = 1 -- of the file; a change that old tapes do not survive raises it
local WIDTH = 90

local file = {}

local function broken(path, line, why)
  errors.throw(errors.make { kind = "http", path = path, line = line,
    message = ("the tape '%s' cannot be read: line %d: %s"):format(path, line, why) })
end

--- The end of the value that begins at `at`: its brace stands at the start of a line,
--- or it is a line of its own.
local function value_end(text, at)
  local line_end = text:find("\n", at, true) or #text + 1
  local line = text:sub(at, line_end - 1):gsub("%s+$", "")
  if #line > 1 and line:sub(-1) == "}" then return line_end - 1 end
  local brace = text:find("\n}", line_end, true)
  return brace and brace + 1
end

local function count_lines(text, stop)
  local n = 1
  for _ in text:sub(1, stop):gmatch "\n" do n = n + 1 end
  return n
end

local function check_header(path, value)
  local version = type(value) == "table" and value.orch_tape
  if math.type(version) ~= "integer" then
    broken(path, 1, 'this is no tape: it should begin with {"orch_tape": 1}')
  elseif version > VERSION then
    broken(path, 1, ("it is of version %d, made by a newer orch; this one knows version %d")
      :format(version, VERSION))
  end
end

--- The text of response.json, as it was written: the decoded value has lost its order.
local function raw_json(text)
  local block = text:find('\n  "response": {', 1, true)
  local _, start = text:find('\n    "json": ', block or #text, true)
  local stop = start and text:find("\n  }", start, true)
  return stop and text:sub(start + 1, stop - 1)
end

--- Text that is not UTF-8, which JSON cannot hold, is written as { bytes = base64 }.
local function escaped(value)
  if type(value) == "string" and not utf8.len(value) then
    return { bytes = require("orch.hash").base64(value) }
  elseif type(value) ~= "table" then
    return value
  end
  local copy = setmetatable({}, getmetatable(value))
  for key, item in next, value do copy[key] = escaped(item) end
  return copy
end

local function unescape(block)
  for key, value in next, type(block) == "table" and block or {} do
    if type(value) == "table" and type(value.bytes) == "string" then
      block[key] = body.decode { base64 = value.bytes }
    end
  end
end

---An exchange, or a request to compare with one, as it was before it was written.
---@param value any decoded
---@return any value
function file.restore(value)
  if type(value) ~= "table" then return value end
  for _, name in ipairs { "request", "response", "error" } do
    local block = value[name]
    unescape(block)
    if type(block) == "table" then
      unescape(block.headers)
      unescape(block.head)
    end
  end
  return value
end

---Reads a tape.
---@async
---@param path string
---@return table[] exchanges as they are written, each with `.raw` and, of its text, `.first`
---  and `.last`
---@return string good the text without a torn last value
---@return boolean torn
---Raises kind `os`, or kind `http` with `path` and `line`.
function file.read(path)
  local text = fs.read(path)
  local list, at, seen_header, good = {}, 1, false, 0
  while true do
    at = text:find("%S", at)
    if not at then break end
    local stop = value_end(text, at)
    if not stop then break end
    local part = text:sub(at, stop)
    local ok, value = pcall(json.decode, part, { big_floats = true })
    if not ok then
      if not text:find("%S", stop + 1) then break end
      broken(path, count_lines(text, at - 1) + (value.line or 1) - 1, value.message)
    end
    if seen_header then
      local problem = check(file.restore(value))
      if problem then broken(path, count_lines(text, at - 1), problem) end
      value.raw, value.first, value.last = raw_json(part), at, stop
      list[#list + 1] = value
    else
      check_header(path, value)
      seen_header = true
    end
    good, at = stop, stop + 1
  end
  if not seen_header then check_header(path, nil) end
  return list, text:sub(1, good) .. "\n", text:find("%S", good + 1) ~= nil
end

--- A list of {name, value} or {name, raw=} as compact JSON, in this order.
local function object(fields)
  local parts = {}
  for _, field in ipairs(fields) do
    local ok, text = true, field.raw
    if not text then ok, text = pcall(json.encode, field[2]) end
    if not ok then text = json.encode(escaped(field[2])) end
    parts[#parts + 1] = json.encode(field[1]) .. ":" .. text
  end
  return "{" .. table.concat(parts, ",") .. "}"
end
file.object = object

---The text of an exchange.
---@param fields table[] {name, value} or {name, raw=}
---@return string
function file.text(fields)
  return layout.indent(object(fields), "  ", WIDTH) .. "\n"
end

---A new tape without exchanges, in the place of an old one.
---@async
---@param path string
function file.create(path)
  fs.write(path, ('{"orch_tape": %d, "recorded": "%s"}\n')
    :format(VERSION, os.date "!%Y-%m-%dT%H:%M:%SZ"))
end

---@async
---@param path string
---@param text string of one exchange
function file.append(path, text)
  fs.append(path, text)
end

---In the order of their requests; those without a number as they stand.
---@param list table[] exchanges; changed
function file.order(list)
  local place = {}
  for i, one in ipairs(list) do place[one] = i end
  table.sort(list, function(a, b)
    local m, n = a.n or place[a], b.n or place[b]
    if m ~= n then return m < n end
    return place[a] < place[b]
  end)
end

---Exchanges are written as they end; this puts them in the order of their requests, so
---that two recordings of the same run look alike.
---@async
---@param path string
function file.sort(path)
  local list, good = file.read(path)
  local is_sorted = true
  for i = 2, #list do
    if (list[i].n or 0) < (list[i - 1].n or 0) then is_sorted = false end
  end
  if is_sorted then return end
  local parts = { good:sub(1, list[1].first - 1) }
  file.order(list)
  for _, one in ipairs(list) do parts[#parts + 1] = good:sub(one.first, one.last) .. "\n" end
  fs.write(path, table.concat(parts))
end

---The folder of the bodies that are too large for the tape itself.
---@param path string
---@return string
function file.bodies(path)
  return path .. ".bodies"
end

return file
