-- Prints any Lua value on one line, the same way on every run.
--
--   show{b = 2, a = {1, "x"}}   --> {a = {1, "x"}, b = 2}
--
-- Keys are sorted, strings are quoted with every odd byte escaped, addresses
-- never appear: two equal values print alike.

local MAX_DEPTH = 6
local MAX_BYTES = 400

local escapes = {
  ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"',
  ["\\"] = "\\\\", ["\0"] = "\\0",
}

local function escape(c)
  return escapes[c] or string.format("\\x%02x", c:byte())
end

---A string in double quotes, control characters escaped; bytes of 128 and
---above are escaped too unless the whole string is UTF-8.
---@param s string
---@return string
local function quote(s)
  local odd = utf8.len(s) and '[%c"\\]' or '[%c"\\\128-\255]'
  return '"' .. s:gsub(odd, escape) .. '"'
end

local function number(n)
  if n ~= n then return "nan" end
  if n == math.huge then return "inf" end
  if n == -math.huge then return "-inf" end
  if math.type(n) == "integer" then return tostring(n) end
  local text = string.format("%.14g", n)
  if tonumber(text) ~= n then text = string.format("%.17g", n) end
  return text:find("[.en]") and text or text .. ".0"
end

local rank = { number = 1, string = 2, boolean = 3 }

-- Numbers first, then strings, then the rest, each in its own order.
local function before(a, b)
  local ra, rb = rank[type(a)] or 4, rank[type(b)] or 4
  if ra ~= rb then return ra < rb end
  if ra <= 2 then return a < b end
  return tostring(a) < tostring(b)
end

---The keys of a table in a stable order.
---@param t table
---@return any[]
local function sorted_keys(t)
  local keys = {}
  for key in next, t do keys[#keys + 1] = key end
  table.sort(keys, before)
  return keys
end

local function opaque(v)
  if type(v) ~= "function" then return "<" .. type(v) .. ">" end
  local info = debug.getinfo(v, "S")
  if info.what == "C" then return "<C function>" end
  return "<function " .. info.short_src .. ":" .. info.linedefined .. ">"
end

local append

local function append_table(out, t, depth, seen)
  if seen[t] then
    out[#out + 1] = "<cycle>"
    return
  end
  if depth >= MAX_DEPTH then
    out[#out + 1] = next(t) == nil and "{}" or "{...}"
    return
  end
  seen[t] = true
  out[#out + 1] = "{"
  local length = rawlen(t)
  local first = true
  for i = 1, length do
    if not first then out[#out + 1] = ", " end
    first = false
    append(out, rawget(t, i), depth + 1, seen)
  end
  for _, key in ipairs(sorted_keys(t)) do
    local in_list = math.type(key) == "integer" and key >= 1 and key <= length
    if not in_list then
      if not first then out[#out + 1] = ", " end
      first = false
      if type(key) == "string" and key:find("^[%a_][%w_]*$") then
        out[#out + 1] = key
      else
        out[#out + 1] = "["
        append(out, key, depth + 1, seen)
        out[#out + 1] = "]"
      end
      out[#out + 1] = " = "
      append(out, rawget(t, key), depth + 1, seen)
    end
  end
  out[#out + 1] = "}"
  seen[t] = nil
end

-- An Error prints as its kind and its sentence: its traceback is noise here.
local function is_error(t)
  return type(rawget(t, "kind")) == "string"
    and type(rawget(t, "message")) == "string"
    and getmetatable(t) ~= nil
end

function append(out, v, depth, seen)
  local kind = type(v)
  if kind == "string" then
    out[#out + 1] = quote(v)
  elseif kind == "number" then
    out[#out + 1] = number(v)
  elseif kind == "nil" or kind == "boolean" then
    out[#out + 1] = tostring(v)
  elseif kind ~= "table" then
    out[#out + 1] = opaque(v)
  elseif is_error(v) then
    out[#out + 1] = "Error " .. v.kind .. " " .. quote(v.message)
  else
    append_table(out, v, depth, seen)
  end
end

---Cuts a text to `limit` bytes, never inside a UTF-8 character, and says how
---long it was.
---@param text string
---@param limit integer bytes
---@return string
local function cut(text, limit)
  if #text <= limit then return text end
  local stop = limit
  while stop > 1 and text:byte(stop + 1) & 0xC0 == 0x80 do stop = stop - 1 end
  return text:sub(1, stop) .. "... (" .. #text .. " bytes)"
end

local show = { quote = quote, sorted_keys = sorted_keys, cut = cut }

---@param v any
---@param limit? integer bytes of the result, default 400
---@return string
function show.value(v, limit)
  local out = {}
  append(out, v, 0, {})
  return cut(table.concat(out), limit or MAX_BYTES)
end

return setmetatable(show, {
  __call = function(_, v, limit) return show.value(v, limit) end,
})
