--- The header lines of a request: merged, checked, and without what a redirect must not
--- take to another host.

local arg = require "orch.arg"

local fields = {}

--- What says how long the body is: two that disagree let a server see two requests in one.
local framing = { ["content-length"] = true, ["transfer-encoding"] = true }

--- What libcurl sends unasked: a line without a value forbids it.
local unasked = { accept = true, ["user-agent"] = true, ["content-type"] = true, expect = true,
  ["accept-encoding"] = true }

local function check_value(fname, name, value)
  local kind = math.type(value) or type(value)
  if kind == "integer" or kind == "float" then return tostring(value) end
  if kind ~= "string" then
    arg.fail("%s: the header '%s' should be a string, a number, a list of them, or false to "
      .. "remove it, not %s", fname, name, arg.describe(value))
  end
  local bad = value:match "[\r\n\0]"
  if bad then
    arg.fail("%s: the header '%s' has %s in its value, which would end the header early",
      fname, name, bad == "\0" and "a NUL byte" or "a line end")
  end
  return (value:match "^[ \t]*(.-)[ \t]*$")
end

local function check_name(fname, name)
  if type(name) ~= "string" then
    arg.fail("%s: option `headers` should be { Name = value }, not a list; %s is no name", fname,
      arg.describe(name))
  end
  if not name:find "^[%w!#$%%&'*+%-.^_`|~]+$" then
    arg.fail("%s: %q cannot be the name of a header: letters, digits and - only", fname, name)
  end
end

---Adds headers to a map of them; false takes one out.
---@param fname string
---@param map table<string, {name: string, values: string[]}> keys in lower case; changed
---@param headers table<string, string|number|(string|number)[]|false>
function fields.merge(fname, map, headers)
  for name, value in next, headers do
    check_name(fname, name)
    local key = name:lower()
    if framing[key] and value then
      arg.fail("%s: the header '%s' is made from the body; leave it out", fname, name)
    end
    if value == false then
      map[key] = unasked[key] and { name = name, values = {}, removed = true } or nil
    elseif type(value) == "table" then
      local values = {}
      for i, item in ipairs(value) do values[i] = check_value(fname, name, item) end
      map[key] = { name = name, values = values }
    else
      map[key] = { name = name, values = { check_value(fname, name, value) } }
    end
  end
end

---The lines, in the order of the names.
---@param map table<string, {name: string, values: string[]}>
---@return string[]
function fields.lines(map)
  local lines = {}
  for _, key in ipairs(arg.keys_of(map)) do
    local entry = map[key]
    if entry.removed then lines[#lines + 1] = entry.name .. ":" end
    for _, value in ipairs(entry.values) do
      -- An empty value is written with a semicolon: so libcurl wants it.
      lines[#lines + 1] = entry.name .. (value == "" and ";" or ": " .. value)
    end
  end
  return lines
end

--- Belong to the host that they were made for.
local credentials = {
  host = true, authorization = true, cookie = true, ["proxy-authorization"] = true,
  ["x-api-key"] = true, ["x-goog-api-key"] = true, ["api-key"] = true,
  ["x-auth-token"] = true, ["private-token"] = true, ["x-amz-security-token"] = true,
  ["x-csrf-token"] = true, ["x-access-token"] = true,
}

--- Describe a body that is not sent any more.
local of_body = {
  ["content-type"] = true, ["content-length"] = true, ["content-encoding"] = true,
  ["content-language"] = true, ["content-location"] = true, ["transfer-encoding"] = true,
}

local function keep(lines, drop, more)
  local kept = {}
  for _, line in ipairs(lines) do
    local name = line:match "^[^:;]+":lower()
    if not drop[name] and not (more and more[name]) then kept[#kept + 1] = line end
  end
  return kept
end

---The lines that may go to another host.
---@param lines string[]
---@param secret table<string, true>? further names, in lower case
---@return string[]
function fields.without_credentials(lines, secret)
  return keep(lines, credentials, secret)
end

---The same for a map of headers.
---@param map table<string, table>
---@param secret table<string, true>?
---@return table map a new one
function fields.public(map, secret)
  local kept = {}
  for key, entry in next, map do
    if not credentials[key] and not (secret and secret[key]) then kept[key] = entry end
  end
  return kept
end

---What a server says, without the credentials that it was sent: some repeat them.
---@param text string
---@param lines string[]
---@return string
function fields.hide(text, lines)
  for _, line in ipairs(lines) do
    local name, word = line:match "^([^:;]+):.-(%S+)%s*$"
    if name and #word > 3 and name:lower() ~= "host" and credentials[name:lower()] then
      text = text:gsub(word:gsub("%p", "%%%0"), "***")
    end
  end
  return text
end

---@param lines string[]
---@return string[]
function fields.without_body(lines)
  return keep(lines, of_body)
end

---The names that a script says are secret, as a set.
---@param fname string
---@param list string[]?
---@return table<string, true>?
function fields.secret(fname, list)
  if not list then return nil end
  local set = {}
  for _, name in ipairs(list) do
    check_name(fname, name)
    set[name:lower()] = true
  end
  return set
end

return fields
