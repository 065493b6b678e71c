--- Text and data on their way into a page, so that nothing in them is taken for markup.
---
---     markup.escape "<b>"            -- "&lt;b&gt;"
---     markup.embed { "</script>" }   -- '["\u003c/script>"]'

local json = require "orch.json"
local mask = require "orch.core.mask"
local valid = require("orch.pipeline.text").valid

local markup = {}

---What a text of the run becomes before anything else: UTF-8, without secrets. They were
---masked when it was written; one may have become known since then. The page as a whole
---cannot be masked: a secret may be a word of its style or script.
---@param s string
---@return string
function markup.clean(s)
  if not utf8.len(s) then s = valid(s) end
  return mask.count() > 0 and mask.redact(s) or s
end

local clean = markup.clean

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  ["'"] = "&#39;" }

---Anything as the content of an element or a quoted attribute.
---@param value any
---@return string
function markup.escape(value)
  local s = clean(tostring(value))
  if s:find "[%c]" then s = s:gsub("[^%C\t\n]", "\u{FFFD}") end
  return (s:gsub("[&<>\"']", entities))
end

---A format whose values are escaped: `markup.fill("<b>%s</b>", name)`.
---@param format string `%s` only
---@param ... any nil is nothing
---@return string
function markup.fill(format, ...)
  local values, i = table.pack(...), 0
  return (format:gsub("%%s", function()
    i = i + 1
    return values[i] == nil and "" or markup.escape(values[i])
  end))
end

---Cut to so many bytes, at the end of a character.
---@param s string
---@param bytes integer
---@return string
function markup.short(s, bytes)
  s = clean(s)
  if #s <= bytes then return s end
  return s:sub(1, utf8.offset(s, 0, bytes + 1) - 1) .. "\u{2026}"
end

---A value as JSON that may stand in a script element: nothing in it can end that.
---@param value any
---@return string
function markup.embed(value)
  local s = json.encode(value, { sorted = true }):gsub("<", "\\u003c")
  if not s:find("\u{2028}", 1, true) and not s:find("\u{2029}", 1, true) then return s end
  return (s:gsub("\u{2028}", "\\u2028"):gsub("\u{2029}", "\\u2029"))
end

local units = { "B", "KB", "MB", "GB", "TB" }

---@param bytes number
---@return string such as "12 B", "3.4 MB", in powers of 1024 as `ls -h` has them
function markup.bytes(bytes)
  local unit = 1
  while bytes >= 1000 and unit < #units do
    bytes, unit = bytes / 1024, unit + 1
  end
  return ((unit == 1 or bytes >= 99.95) and "%.0f %s" or "%.1f %s"):format(bytes, units[unit])
end

return markup
