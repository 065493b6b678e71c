--- What a file says about itself in its header: size of an image, length of a sound, triangles
--- of a model. A studio adds its own formats.
---
---     local info = orch.asset.info "Assets/Props/T_Crate_D.png"
---     print(info.format, info.width, info.height)

local arg = require "orch.arg"
local errors = require "orch.core.error"
local formats = require "orch.asset.formats"
local kind = require "orch.asset.kind"
local place = require "orch.place"
local source = require "orch.asset.source"

local asset = {}

--- extension -> formats; the first byte of a magic -> formats with their magics.
local by_extension, by_byte, by_look = {}, {}, {}

local function add_magic(entry, magic)
  if magic == "" then arg.fail("asset.register: option `magic` has an empty text") end
  local byte = magic:byte()
  by_byte[byte] = by_byte[byte] or {}
  table.insert(by_byte[byte], 1, { magic = magic, entry = entry })
end

--- Later ones come first: a studio may replace what comes with orch.
local function add(entry)
  for _, extension in ipairs(entry.extensions) do
    by_extension[extension] = entry
  end
  local magic = entry.magic
  if type(magic) == "string" then add_magic(entry, magic) end
  if type(magic) == "table" then
    for _, one in ipairs(magic) do add_magic(entry, one) end
  end
  if type(magic) == "function" then table.insert(by_look, 1, entry) end
end

for i = #formats, 1, -1 do add(formats[i]) end

local registered = {}

local function check_list(name, list)
  for _, one in ipairs(list) do
    if type(one) ~= "string" then
      arg.fail("asset.register: option `%s` should be a list of strings, and has %s", name,
        arg.describe(one))
    end
  end
end

---Adds a format, or replaces the reader of one that is there. Content goes before names: a
---file that begins with the magic is one, whatever it is called.
---@param format orch.asset.Format `read(source)` gives a table; of the kinds image, audio,
---  model and font with the fields that orch knows of them, and further ones if need be
function asset.register(format)
  format = arg.options("asset.register", format, { format = "string", kind = "string",
    extensions = "table", magic = "string|table|function", read = "function" })
  for _, name in ipairs { "format", "kind", "extensions", "read" } do
    if format[name] == nil then arg.fail("asset.register: option `%s` is missing", name) end
  end
  check_list("extensions", format.extensions)
  if type(format.magic) == "table" then check_list("magic", format.magic) end
  for i, extension in ipairs(format.extensions) do
    format.extensions[i] = extension:gsub("^%.", ""):lower()
  end
  add(format)
  registered[#registered + 1] = format
end

---For the library: what `register` has added.
---@return orch.asset.Format[]
function asset.registered()
  return registered
end

local function starts_with(head, magic)
  return head:sub(1, #magic) == magic
end

local function by_content(head)
  local list = by_byte[head:byte()]
  for i = 1, list and #list or 0 do
    if starts_with(head, list[i].magic) then return list[i].entry end
  end
  for i = 1, #by_look do
    if by_look[i].magic(head) then return by_look[i] end
  end
end

local LFS = "version https://git-lfs.github.com/spec/"

local function refuse(file, entry)
  file.format = entry and entry.format
  if file.size == 0 then file:fail "it is empty" end
  if starts_with(file.head, LFS) then
    errors.throw(errors.make { kind = "format", path = file.path, lfs = true,
      message = ("'%s' %s"):format(file.path, require("orch.asset.lfs").sentence) })
  end
  if entry then file:fail_at(0, "it does not begin as such a file does") end
end

--- The entry of a file; raises where its content is not what its name says.
local function format_of(file)
  local entry = by_content(file.head)
  if entry then return entry end
  local extension = file.name:match "%.([^.]*)$"
  entry = extension and by_extension[extension:lower()]
  if not entry or entry.magic or file.size == 0 or starts_with(file.head, LFS) then
    refuse(file, entry)
  end
  return entry
end

local function known_formats(wanted)
  local names = {}
  for extension, entry in pairs(by_extension) do
    -- Of fonts all formats have one reader.
    local name = entry.format == entry.kind and extension or entry.format
    if not wanted or entry.kind == wanted then names[name] = true end
  end
  return table.concat(arg.keys_of(names), ", ")
end

local function check_kind(file, entry, wanted)
  if entry and (not wanted or entry.kind == wanted) then return end
  local noun = wanted and (kind.nouns[wanted] or "of the kind " .. wanted) or "a file"
  local other = entry and (" (it is %s)"):format(select(2, kind.title(entry.format))) or ""
  file.format = nil
  errors.throw(errors.make { kind = "format", path = file.path,
    message = ("'%s' is not %s that orch can read%s; it knows %s"):format(file.path, noun,
      other, known_formats(wanted)) })
end

--- entry -> its function that reads
local readers = setmetatable({}, { __mode = "k", __index = function(known, entry)
  local read = entry.read or require("orch.asset." .. entry.format).read
  known[entry] = read
  return read
end })

--- A reader's own mistake is told as it is; an offset too far is the file's.
local function read(path, wanted)
  local file = source.open(path)
  local entry = format_of(file)
  check_kind(file, entry, wanted)
  file.format = entry.format
  local info = readers[entry](file)
  info.path, info.size = path, file.size
  info.format, info.kind = info.format or entry.format, entry.kind
  return kind.dress(entry.kind, info), file.others
end

--- While files are checked each is read once, however many rules ask. path -> info or Error;
--- info -> other files that it was made of
local memo, made_of

---For the library: from now on, until `forget`, files are believed not to change.
function asset.remember()
  memo, made_of = memo or {}, made_of or {}
end

---For the library: all of what is remembered, or one file.
---@param path? string as it was asked for
function asset.forget(path)
  if path and memo then
    memo[place.resolve(path)] = nil
  else
    memo, made_of = nil, nil
  end
end

---For the library: what is remembered, by key; nil while nothing is.
---@return table<string, any>?
function asset.memory()
  return memo
end

---For the library: from now on the file is what `fields` say, whether it is there or not. Its
---kind is that of its extension.
---@param path string
---@param fields table
---@return orch.asset.Info? info nil: no format has such an extension
function asset.pretend(path, fields)
  local extension = path:match "%.([^./]*)$"
  local entry = by_extension[extension and extension:lower()]
  if not entry then return nil end
  local info = kind.dress(entry.kind, { path = path, size = 0, format = entry.format,
    kind = entry.kind })
  for name, value in pairs(fields) do
    local _ = info[name] -- raises for what no such file has
    rawset(info, name, value)
  end
  asset.remember()
  memo[place.resolve(path)] = info
  return info
end

local function remembered(path, wanted)
  local key = place.resolve(path)
  local known = memo[key]
  if known == nil then
    local ok, info, others = pcall(read, path)
    if not ok and not (errors.is(info) and info.kind == "format") then error(info, 0) end
    known = info
    if memo then memo[key], made_of[info] = info, others end
  elseif made_of[known] then -- whoever asks now has looked at them, too
    for _, other in ipairs(made_of[known]) do place.resolve(other) end
  end
  if errors.is(known) then error(known, 0) end
  if wanted and known.kind ~= wanted then
    check_kind({ path = path }, { format = known.format, kind = known.kind }, wanted)
  end
  return known
end

---What a file's header says.
---@async
---@param path orch.Path
---@param opts? {kind: "image"|"audio"|"model"|"font"|"unity"|string|nil} what it has to be
---@return orch.asset.Info info with the fields of its kind; raises kinds `format` (what is
---  wrong, `offset`, `path`) and `os`
function asset.info(path, opts)
  arg.check("asset.info", 1, path, "path")
  local wanted = opts and arg.options("asset.info", opts, { kind = "string" }).kind
  if memo then return remembered(path, wanted) end
  return (read(path, wanted))
end

return arg.public("asset", asset)
