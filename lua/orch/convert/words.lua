--- The placeholders of templates: `{stem}` and the others, and what they stand for.

local arg = require "orch.arg"
local path = require "orch.fs.path"
local pattern = require "orch.fs.pattern"

local words = {}

--- The folders of a pattern before its first wildcard.
local function fixed_part(text)
  local parts, n = pattern.split(text), 0
  while n < #parts - 1 and not parts[n + 1]:find "[*?%[\\]" do n = n + 1 end
  local base = table.concat(parts, "/", 1, n)
  return text:sub(1, 1) == "/" and "/" .. base or base
end

---The fixed parts of patterns, the longest first.
---@param patterns string|string[]
---@return string[]
function words.bases(patterns)
  local bases = {}
  for i, text in ipairs((pattern.parse("convert", 1, patterns))) do bases[i] = fixed_part(text) end
  table.sort(bases, function(a, b) return #a > #b end)
  return bases
end

local function subfolder(folder, bases)
  for _, base in ipairs(bases) do
    if base == "" or folder == base then return folder == base and "" or folder end
    local prefix = base:sub(-1) == "/" and base or base .. "/"
    if folder:sub(1, #prefix) == prefix then return folder:sub(#prefix + 1) end
  end
  return ""
end

---@param file string
---@param bases string[]
---@return table<string, string>
function words.of(file, bases)
  local folder = path.dirname(file)
  local name = path.basename(file)
  return { path = file, folder = folder, name = name, stem = path.stem(file),
    extension = (path.extension(file):gsub("^%.", "")),
    subfolder = subfolder(folder == "." and "" or folder, bases) }
end

---Replaces `{word}`s; one that is not known is a mistake.
---@param what string for the message
---@param text string
---@param known table<string, string>
---@return string
function words.fill(what, text, known)
  return (text:gsub("{([%a_][%w_]*)}", function(word)
    if known[word] then return known[word] end
    local names = arg.keys_of(known)
    local near = arg.suggest(word, names)
    arg.fail("convert: %s has {%s}, which is none of {%s}%s", what, word,
      table.concat(names, "}, {"), near and ("; did you mean {%s}?"):format(near) or "")
  end))
end

return words
