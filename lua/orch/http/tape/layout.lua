--- JSON text in another layout: white space changes, while names, numbers and their
--- order stay as they are written. So a tape can show JSON as JSON and still give back
--- every byte of it.
---
---     local compact, name = layout.of(text)       --> '{"a":1}', "indent 2"
---     assert(layout.apply(compact, name) == text)

local layout = {}

local QUOTE, OPEN_BRACE, OPEN_BRACKET = 34, 123, 91

--- The index of the quote that ends the string which begins at `at`.
local function string_end(text, at)
  at = at + 1
  while true do
    local found = text:find('["\\]', at)
    if text:byte(found) == QUOTE then return found end
    at = found + 2
  end
end

---The text without white space between its tokens.
---@param text string valid JSON
---@return string
function layout.compact(text)
  local parts, at = {}, 1
  while true do
    local quote = text:find('"', at, true)
    parts[#parts + 1] = text:sub(at, (quote or 0) - 1):gsub("%s+", "")
    if not quote then return table.concat(parts) end
    local stop = string_end(text, quote)
    parts[#parts + 1] = text:sub(quote, stop)
    at = stop + 1
  end
end

---A compact text with a line for each item.
---@param text string
---@param step string one level of indentation
---@param width integer? lists and objects without others in them stay on one line up to
---  so many bytes
---@return string
function layout.indent(text, step, width)
  local at = 1
  local value

  local function container(close, margin)
    local inner, items, size, is_leaf = margin .. step, {}, 0, true
    at = at + 1
    while text:byte(at) ~= close do
      local name = ""
      if close == OPEN_BRACE + 2 then
        local stop = string_end(text, at)
        name, at = text:sub(at, stop) .. ": ", stop + 2 -- and the colon
      end
      local item, is_container = value(inner)
      items[#items + 1] = name .. item
      size, is_leaf = size + #name + #item + 2, is_leaf and not is_container
      if text:byte(at) == 44 then at = at + 1 end -- ","
    end
    at = at + 1
    local left, right = string.char(close - 2), string.char(close)
    if #items == 0 then return left .. right end
    if width and is_leaf and size <= width then
      return left .. table.concat(items, ", ") .. right
    end
    return left .. "\n" .. inner .. table.concat(items, ",\n" .. inner)
      .. "\n" .. margin .. right
  end

  function value(margin)
    local first = text:byte(at)
    if first == OPEN_BRACE or first == OPEN_BRACKET then
      return container(first + 2, margin), true
    end
    local stop = first == QUOTE and string_end(text, at) or text:find("[,%]}]", at)
    if first ~= QUOTE then stop = stop and stop - 1 or #text end
    local token = text:sub(at, stop)
    at = stop + 1
    return token
  end

  return (value "")
end

--- On one line, as Python's json.dumps writes it.
local function spaced(text)
  local parts, at = {}, 1
  while true do
    local quote = text:find('"', at, true)
    parts[#parts + 1] = text:sub(at, (quote or 0) - 1):gsub("[,:]", "%0 ")
    if not quote then return table.concat(parts) end
    local stop = string_end(text, quote)
    parts[#parts + 1] = text:sub(quote, stop)
    at = stop + 1
  end
end

---Writes a compact text in a layout that `of` named.
---@param compact string
---@param name string?
---@return string
function layout.apply(compact, name)
  if not name then return compact end
  local text, step = compact, name:match("indent (%w+)")
  if step then
    text = layout.indent(text, step == "tab" and "\t" or (" "):rep(tonumber(step) or 2))
  elseif name:find "spaced" then
    text = spaced(text)
  end
  return name:find "newline" and text .. "\n" or text
end

---@param text string valid JSON
---@return string? compact nil when its layout is none that `apply` knows
---@return string? name nil: it is compact
function layout.of(text)
  local compact = layout.compact(text)
  if compact == text then return compact end
  local words = {}
  local indent = text:match("^[{%[]\n([ \t]+)")
  if indent then
    words[1] = "indent " .. (indent == "\t" and "tab" or #indent)
  elseif text:find("[:,] ") then
    words[1] = "spaced"
  end
  if text:sub(-1) == "\n" then words[#words + 1] = "newline" end
  local name = table.concat(words, ", ")
  if name ~= "" and layout.apply(compact, name) == text then return compact, name end
end

return layout
