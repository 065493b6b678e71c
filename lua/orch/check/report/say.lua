--- The words of findings: names that are safe to show, places, numbers, severities.
---
---     say.name "Assets/a\nb\xe9.png"       -- "Assets/a\\nb\\xE9.png"
---     say.count(1204, "file")              -- "1,204 files"

local text = require "orch.view.text"

local find, gsub = string.find, string.gsub

local say = {}

--- Whoever reads it in words: what the rules call info is a note.
say.severities = { error = "error", warning = "warning", info = "note" }

--- The worst last.
say.rank = { info = 1, warning = 2, error = 3 }

local short_escapes = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ["\27"] = "\\e" }

local function escape_byte(c)
  return short_escapes[c] or ("\\x%02X"):format(c:byte())
end

local function escape_character(c)
  return ("\\u{%X}"):format(utf8.codepoint(c))
end

--- Characters that nobody sees, but that turn text round or end a line.
local hidden = {
  "\xc2[\x80-\x9f]", "\xe2\x80[\x8b-\x8f\xa8-\xae]", "\xe2\x81[\xa0-\xa9]", "\xef\xbb\xbf",
}

--- Where a text is no UTF-8, the bytes are shown.
local function escape_invalid(s)
  local out, at = {}, 1
  while at <= #s do
    local length, bad = utf8.len(s, at)
    if length then
      out[#out + 1] = s:sub(at)
      break
    end
    out[#out + 1] = s:sub(at, bad - 1) .. escape_byte(s:sub(bad, bad))
    at = bad + 1
  end
  return table.concat(out)
end

---A name of a file or a rule on one line, nothing of it left out: what cannot be shown is
---written as Lua would.
---@param name string
---@return string
function say.name(name)
  name = tostring(name)
  if not find(name, "[\0-\31\127-\255]") then return name end
  name = gsub(name, "[\0-\31\127]", escape_byte)
  if not find(name, "[\128-\255]") then return name end
  if not utf8.len(name) then name = escape_invalid(name) end
  for _, pattern in ipairs(hidden) do name = gsub(name, pattern, escape_character) end
  return name
end

---@param finding {path: string, line: integer?, column: integer?}
---@return string such as "checks/textures.lua:14:24"
function say.place(finding)
  local place = say.name(finding.path)
  if finding.line then place = ("%s:%d"):format(place, finding.line) end
  if finding.line and finding.column then place = ("%s:%d"):format(place, finding.column) end
  return place
end

---@param value any
---@return string text without anything that a terminal obeys; may have several lines
function say.text(value)
  return (text.clean(tostring(value)):gsub("\t", "  "))
end

---The same on one line.
---@param value any
---@return string
function say.line(value)
  return (say.text(value):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

---@param n number
---@return string such as "1,204" or "0.25"
function say.number(n)
  if n % 1 ~= 0 or n ~= n or n >= 2 ^ 53 or n <= -2 ^ 53 then return ("%.4g"):format(n) end
  local digits = ("%d"):format(n)
  local sign, rest = digits:match "^(-?)(%d+)$"
  rest = rest:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return sign .. rest
end

---@param n integer
---@param one string
---@param many? string by default `one` with an s
---@return string such as "1 file", "1,204 files"
function say.count(n, one, many)
  return say.number(n) .. " " .. (n == 1 and one or many or one .. "s")
end

---@param seconds number
---@return string such as "0.31 s", "12.4 s", "2m 05s"
function say.seconds(seconds)
  if seconds < 10 then return ("%.2f s"):format(seconds) end
  if seconds < 60 then return ("%.1f s"):format(seconds) end
  return require("orch.view.show").whole(seconds)
end

---"a", "a and b", "a, b and c".
---@param list string[]
---@return string
function say.list(list)
  if #list < 2 then return list[1] or "" end
  return table.concat(list, ", ", 1, #list - 1) .. " and " .. list[#list]
end

---@param counts table<string, integer> by severity
---@return string such as "3 errors, 1 warning, 2 notes"; "" for none
function say.counts(counts)
  local parts = {}
  for _, severity in ipairs { "error", "warning", "info" } do
    local n = counts[severity] or 0
    if n > 0 then parts[#parts + 1] = say.count(n, say.severities[severity]) end
  end
  return table.concat(parts, ", ")
end

---Whether a finding is about a rule or a waiver itself, in the file where it is written.
---@param finding {rule: string}
---@return boolean
function say.is_of_rules(finding)
  return find(finding.rule, "^rule%.") ~= nil or find(finding.rule, "^waiver%.") ~= nil
end

---Where in the line of a source something is wrong.
---@param code {text: string, column: integer?} a column is a number of characters
---@return integer byte
function say.code_start(code)
  local column = math.max(1, code.column or 1)
  local ok, byte = pcall(utf8.offset, code.text, column)
  return ok and byte or math.min(column, #code.text + 1)
end

---How many characters of it: the whole word, where only its beginning is known.
---@param code {text: string, width: integer?}
---@param start integer byte
---@return integer
function say.code_width(code, start)
  if code.width and code.width > 1 then return code.width end
  return math.max(1, #(code.text:match("^[%a_][%w_]*", start) or ""))
end

---Where a rule is explained: in `docs`, %s stands for its id.
---@param rule {id: string, docs: string|false|nil}?
---@return string?
function say.docs(rule)
  local docs = rule and rule.docs
  if type(docs) ~= "string" or docs == "" then return nil end
  local id = rule.id:gsub("[^%w._~-]", function(c) return ("%%%02X"):format(c:byte()) end)
  return (docs:gsub("%%s", function() return id end))
end

---@param result table
---@return table<string, table> rules by their id
function say.rules(result)
  local by_id = {}
  for _, rule in ipairs(result.rules or {}) do by_id[rule.id] = rule end
  return by_id
end

return say
