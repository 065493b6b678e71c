--- YAML, by libyaml, with the meaning of YAML 1.2: `no` is a text, and only `true` and `false`
--- are booleans.
---
---     local config = orch.yaml.decode "quality: high\nsizes: [512, 1024]\n"
---     assert(config.sizes[2] == 1024)
---     assert(orch.yaml.encode { country = "no" } == "country: 'no'\n")
---
--- An empty value is `yaml.null`, an empty list a `yaml.array`, as in `orch.json`. A number
--- that fits no 64 bits stays text. An alias is the same table as its anchor; `<<` merges.
--- Values are at most 1000 levels deep. Decoding does not wait: it takes about a second for
--- 15 MB, during which no other task runs; `orch.thread` has it done elsewhere.
local arg = require "orch.arg"
local core = require "orch.core.yaml"
local errors = require "orch.core.error"
local in_file = require "orch.in_file"
local json = require "orch.json"

local yaml = {}

core.mapping.__name = "yaml.mapping"

--- YAML's null, the same as `json.null`.
---@type userdata
yaml.null = json.null

--- Marks a table as a list, so that it is written as `[]` even when empty; as `json.array`.
yaml.array = json.array

---@class orch.YamlOptions
---@field strings? boolean|string[] keep scalars as text: all of them, or those with these
---  names: `{"guid", "version"}`
---@field tags? fun(tag: string, value: any): any what becomes of a value with a tag of its
---  own, such as `!Ref`; such tags are ignored otherwise
---@field duplicates? "error"|"last" a name that stands twice in a mapping; "error" by default

---@class orch.YamlDocument
---@field value any
---@field tag string? of its root
---@field anchor string?
---@field line integer where its value begins
---@field stripped boolean? of Unity's files: the object is kept elsewhere

local spec = { strings = "boolean|table", tags = "callable", duplicates = "string" }
local spec_all = { strings = "boolean|table", tags = "callable", duplicates = "string",
  documents = "boolean" }

local function read_options(fname, opts, known)
  local o = arg.options(fname, opts, known)
  if o.duplicates and o.duplicates ~= "error" and o.duplicates ~= "last" then
    arg.fail("%s: option `duplicates` should be error or last, not %s", fname, o.duplicates)
  end
  if type(o.strings) == "table" then
    local set = {}
    for _, name in ipairs(o.strings) do set[name] = true end
    o.strings = set
  end
  return o
end

local function decode(text, how, o)
  return core.decode(text, how, o.strings, o.tags, o.duplicates == "last")
end

---The value of a YAML text of one document.
---@param text string UTF-8, or UTF-16 with a byte order mark
---@param opts? orch.YamlOptions
---@return any value raises kind `yaml` with `line` and `column`, both from 1
function yaml.decode(text, opts)
  arg.check("yaml.decode", 1, text, "string")
  return decode(text, "one", read_options("yaml.decode", opts, spec))
end

--- Unity says what `!u!` means once and uses it in all documents, and writes `stripped` where
--- YAML has no place for a word. Both are replaced by as many bytes, so that lines and columns
--- stay; `!u!4` becomes the tag `!u:4` for libyaml.
local function unity_documents(text)
  local stripped = {}
  text = text:gsub("(\n%-%-%- )!u!(%d+) &(%-?%d+)( ?%a*)", function(start, class, id, word)
    if word == " stripped" then stripped[id], word = true, "         " end
    return start .. "!u:" .. class .. " &" .. id .. word
  end)
  return text, stripped
end

local UNITY = "%TAG !u! tag:unity3d.com,"

local function decode_unity(text, o)
  local stripped
  text, stripped = unity_documents(text)
  o.strings = o.strings or { guid = true }
  o.duplicates = o.duplicates or "last"
  local list = decode(text, "documents", o)
  for _, document in ipairs(list) do
    document.tag = document.tag and document.tag:gsub("^!u:", "!u!")
    document.stripped = stripped[document.anchor] or false
  end
  return list
end

---The values of all documents of a text. Files of Unity's are read as they are: scenes,
---prefabs, assets.
---@param text string
---@param opts? orch.YamlOptions|{documents: boolean?} `documents=true` gives for each an
---  `orch.YamlDocument`
---@return any[] values raises kind `yaml` with `line` and `column`
function yaml.decode_all(text, opts)
  arg.check("yaml.decode_all", 1, text, "string")
  local o = read_options("yaml.decode_all", opts, spec_all)
  if not text:sub(1, 256):find(UNITY, 1, true) then
    return decode(text, o.documents and "documents" or "all", o)
  end
  local list = decode_unity(text, o)
  if o.documents then return list end
  for i, document in ipairs(list) do list[i] = document.value end
  return list
end

---@class orch.YamlEncodeOptions
---@field indent? integer spaces per level, 2 to 9; 2 by default

local function indent_of(fname, opts)
  local indent = arg.options(fname, opts, { indent = "integer" }).indent or 2
  if indent < 2 or indent > 9 then
    arg.fail("%s: option `indent` should be 2 to 9, not %d", fname, indent)
  end
  return indent
end

---The value as YAML: names sorted, texts quoted where another reader could take them for
---something else.
---@param value any
---@param opts? orch.YamlEncodeOptions
---@return string text with a newline at the end; raises kind `yaml` with `.at`, the place of
---  what YAML cannot say here: "cannot encode a function at .jobs[3].run"
function yaml.encode(value, opts)
  if value == nil then
    errors.throw(errors.make { kind = "yaml",
      message = "cannot encode nil: write yaml.null there" })
  end
  return core.encode(value, indent_of("yaml.encode", opts))
end

---Several values as documents of one text.
---@param values any[]
---@param opts? orch.YamlEncodeOptions
---@return string
function yaml.encode_all(values, opts)
  arg.check("yaml.encode_all", 1, values, "table")
  local indent, parts = indent_of("yaml.encode_all", opts), {}
  for i, value in ipairs(values) do parts[i] = "---\n" .. core.encode(value, indent) end
  return table.concat(parts)
end

---The value of a YAML file of one document.
---@async
---@param path orch.Path
---@param opts? orch.YamlOptions
---@return any value raises kind `os`, or `yaml` with `path`, `line` and `column`
function yaml.load(path, opts)
  arg.check("yaml.load", 1, path, "path")
  local o = read_options("yaml.load", opts, spec)
  return in_file("yaml", path, pcall(decode, require("orch.fs").read(path), "one", o))
end

---The values of all documents of a file.
---@async
---@param path orch.Path
---@param opts? orch.YamlOptions|{documents: boolean?}
---@return any[] values raises kind `os`, or `yaml` with `path`, `line` and `column`
function yaml.load_all(path, opts)
  arg.check("yaml.load_all", 1, path, "path")
  return in_file("yaml", path, pcall(yaml.decode_all, require("orch.fs").read(path), opts))
end

---Writes the value to a file, which is replaced in one step.
---@async
---@param path orch.Path
---@param value any
---@param opts? orch.YamlEncodeOptions
function yaml.save(path, value, opts)
  arg.check("yaml.save", 1, path, "path")
  require("orch.fs").write(path, in_file("yaml", path, pcall(yaml.encode, value, opts)))
end

return arg.public("orch.yaml", yaml)
