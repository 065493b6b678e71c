--- Valve's data format: names and values in quotes, blocks in braces. The scripts of a build are
--- written in it, and what steamcmd prints of an app is.

local arg = require "orch.arg"

local vdf = {}

--- What the format cannot hold is refused: its quotes have no escape that every reader knows.
local function quoted(fname, value)
  value = tostring(value)
  if value:find '["\r\n\\]' then
    arg.fail("%s: %q cannot be written into a script of Steam: it has a quote, a backslash or a "
      .. "line end in it", fname, value)
  end
  return '"' .. value .. '"'
end

---A block as text.
---@param fname string for messages
---@param name string
---@param items table[] list of { name, value } where a value is a string, a number or a list
---  of the same kind
---@param indent string?
---@return string
function vdf.encode(fname, name, items, indent)
  indent = indent or ""
  local out = { indent .. quoted(fname, name), indent .. "{" }
  for _, item in ipairs(items) do
    if type(item[2]) == "table" then
      out[#out + 1] = vdf.encode(fname, item[1], item[2], indent .. "  "):gsub("\n$", "")
    else
      out[#out + 1] = ("%s  %s %s"):format(indent, quoted(fname, item[1]), quoted(fname, item[2]))
    end
  end
  out[#out + 1] = indent .. "}\n"
  return table.concat(out, "\n")
end

---The block `name` in a text, as tables and strings; nil when it is not there or cut off.
---@param text string
---@param name string
---@return table?
function vdf.find(text, name)
  local _, at = text:find('"' .. name .. '"%s*{')
  if not at then return nil end
  local function block(from)
    local values = {}
    while true do
      local key, after = text:match('^%s*"([^"]*)"%s*()', from)
      if not key then
        local closed = text:match("^%s*}()", from)
        return closed and values, closed
      end
      local value, next_at = text:match('^"([^"]*)"()', after)
      if not value then
        local inner = text:match("^{()", after)
        if not inner then return nil end
        value, next_at = block(inner)
        if not value then return nil end
      end
      values[key], from = value, next_at
    end
  end
  return (block(at + 1))
end

return vdf
