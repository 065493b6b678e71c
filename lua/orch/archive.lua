--- Archives: zip and tar, made, listed, unpacked. A call is one operation on a thread of
--- its own, of any size in constant memory.
---
---     orch.archive.create("game.zip", { folder = "build/web" })
---     orch.archive.extract("game.zip", "unpacked")
---
--- An archive appears under its name when it is whole, and so does what is unpacked. Who
--- made an archive decides its names, links and sizes: what would leave the folder, or fill
--- the disk, is refused, and nothing of such an archive is kept.

local arg = require "orch.arg"
local checkpoint = require("orch.task").checkpoint
local clock = require "orch.core.clock"
local core = require "orch.core.archive"
local errors = require "orch.core.error"
local formats = require "orch.archive.format"
local place = require "orch.place"
local sources = require "orch.archive.source"
local watch = require "orch.archive.watch"

local archive = {}

--- Patterns as two lists for C: those of an `include` and those of an `exclude`.
local function patterns(fname, o)
  local parse = require("orch.fs.pattern").parse
  local includes, excludes = {}, {}
  if o.include then includes, excludes = parse(fname, 2, o.include) end
  if o.exclude then
    local list = type(o.exclude) == "string" and { o.exclude } or o.exclude
    local more = parse(fname, 2, list)
    table.move(more, 1, #more, #excludes + 1, excludes)
  end
  return includes, excludes
end

--- Seconds since 1970 of all entries; -1: what the format has for none.
local function fixed_time(fname, o)
  local time = o.time
  if not time then
    local text = place.getenv "SOURCE_DATE_EPOCH"
    if not text or text == "" then return -1 end
    time = math.tointeger(tonumber(text))
    if not time or time < 0 then
      arg.fail("%s: SOURCE_DATE_EPOCH should be whole seconds since 1970, not %s", fname,
        arg.describe(text))
    end
  end
  if time < 0 then arg.fail("%s: option `time` should be seconds since 1970", fname) end
  return time
end

local create_options = {
  folder = "path", files = "table", format = "string", level = "integer", threads = "integer",
  include = "string|table", exclude = "string|table", prefix = "string", follow = "boolean",
  deterministic = "boolean", time = "integer", keep_times = "boolean",
  progress = "boolean|string|table|callable",
}

--- Whether times are kept, and which one all have otherwise.
local function times(fname, o)
  local fixed = o.deterministic or false
  if (fixed or o.time) and o.keep_times then
    arg.fail("%s: `keep_times` and `%s` exclude each other", fname,
      fixed and "deterministic" or "time")
  end
  if fixed or o.time then return false, fixed_time(fname, o) end
  return o.keep_times ~= false, -1
end

---@class orch.archive.Created
---@field path string
---@field format string such as "zip" or "tar.zst"
---@field files integer
---@field folders integer
---@field links integer
---@field bytes integer of the files
---@field size integer of the archive
---@field elapsed number seconds

---@class orch.archive.CreateOptions
---@field folder? orch.Path what is in it goes to the top of the archive
---@field files? (string|{path: string, name: string?}|{name: string, text: string, mode: integer?})[]
---  paths, folders among them with all that is in them; a relative path is the name as well,
---  of one from elsewhere its last part
---@field format? "zip"|"tar"|"tar.gz"|"tar.zst"|"tar.xz" default: by the extension
---@field level? integer how hard it compresses: zip and tar.gz 0 to 9, tar.zst 1 to 22, tar.xz
---  0 to 9
---@field threads? integer for tar.zst and tar.xz; default: as many as there are cores for
---  tar.zst up to level 9, otherwise one: a cancellation waits for the blocks in work
---@field include? string|string[] patterns as in `fs.glob`, over names in the archive
---@field exclude? string|string[] an excluded folder excludes all that is in it
---@field prefix? string before every name: "game-1.2/"
---@field follow? boolean puts what links lead to in their place; default: links stay links
---@field deterministic? boolean the same input gives the same bytes, on every machine: all have
---  one time and the modes 644 or 755
---@field time? integer of all entries, in seconds since 1970; default with `deterministic`: the
---  variable SOURCE_DATE_EPOCH, otherwise none
---@field keep_times? boolean default true
---@field progress? boolean|string|orch.Progress|fun(done: integer, total: integer, name: string)
---  bytes of the files

---Makes an archive. The names in a folder are sorted, owners are not kept; links, executable
---bits and empty folders are.
---@async
---@param path orch.Path
---@param opts orch.archive.CreateOptions
---@return orch.archive.Created created raises kind `os`, `usage` for what no archive should
---  hold (a FIFO, a name with a backslash, two entries of one name), `changed` (`path`) when a file
---  changes meanwhile
function archive.create(path, opts)
  local fname = "archive.create"
  arg.check(fname, 1, path, "path")
  local o = arg.options(fname, opts, create_options)
  local format = formats.choose(fname, path, o)
  local list = sources.list(fname, o)
  local includes, excludes = patterns(fname, o)
  local keeps, time = times(fname, o)
  local full, started, meter = place.target(fname, path), clock.now(), core.meter()
  local files, folders, links, bytes, size = watch.run(fname, o.progress, meter, core.pack, full,
    list, includes, excludes, sources.prefix(fname, o.prefix), meter, o.follow or false,
    format.container, format.filter, format.level, format.threads, o.deterministic or false,
    keeps, time)
  return { path = path, format = format.name, files = files, folders = folders, links = links,
    bytes = bytes, size = size, elapsed = clock.now() - started }
end

---@class orch.archive.Entry
---@field name string without a slash at its end; bytes that are no UTF-8 as `%E9`
---@field type "file"|"folder"|"link"|"fifo"|"socket"|"device"
---@field size integer bytes, unpacked
---@field mtime integer? seconds since 1970
---@field mode integer permission bits
---@field link string? where a link leads
---@field same_as string? the name of the same file (a hard link)
---@field encrypted boolean?

--- How many entries one trip to a thread brings.
local BATCH = 500

--- libarchive's words for the option `charset`.
local function charset_of(fname, name)
  if name == nil then return nil end
  if not name:find "^[%w_-]+$" then
    arg.fail("%s: option `charset` should be the name of one, such as \"CP437\", not %s", fname,
      arg.describe(name))
  end
  return "hdrcharset=" .. name
end

---The entries one by one, for archives of a million files: `for entry in archive.entries(path)`.
---Nothing is unpacked, and nothing is refused: the names are as they are.
---@async
---@param path orch.Path
---@param opts? {charset: string?} of names in old zips, such as "CP437"
---@return async fun(): orch.archive.Entry? next raises kind `os` or `format`
function archive.entries(path, opts)
  local fname = "archive.entries"
  arg.check(fname, 1, path, "path")
  local charset = charset_of(fname, arg.options(fname, opts, { charset = "string" }).charset)
  local reader = core.reader(place.resolve(path), charset)
  local batch, i, is_last = {}, 0, false
  local closer = setmetatable({}, { __close = function() reader:close() end })
  return function()
    i = i + 1
    if batch[i] then checkpoint() end
    while not batch[i] and not is_last do
      batch, is_last = reader:next(BATCH)
      i = 1
    end
    return batch[i]
  end, nil, nil, closer
end

---What is in an archive, in its order.
---@async
---@param path orch.Path
---@param opts? {charset: string?}
---@return orch.archive.Entry[] entries raises kind `os`, or `format` for what is no archive
function archive.list(path, opts)
  arg.check("archive.list", 1, path, "path")
  arg.options("archive.list", opts, { charset = "string" })
  local list = {}
  for entry in archive.entries(path, opts) do list[#list + 1] = entry end
  return list
end

local extract_options = {
  include = "string|table", exclude = "string|table", strip = "integer", overwrite = "boolean",
  limit = "size", max_files = "integer|boolean", ratio = "integer|boolean",
  keep_times = "boolean", charset = "string", progress = "boolean|string|table|callable",
}

local LIMIT, MAX_FILES, RATIO = 10 << 30, 1000000, 1000

--- A number, or -1 where there is to be none (false).
local function bound(fname, name, value, default)
  if value == nil or value == true then return default end
  if value == false then return -1 end
  if value < 1 then arg.fail("%s: option `%s` should be at least 1, or false", fname, name) end
  return value
end

---@class orch.archive.Extracted
---@field folder string
---@field files integer
---@field folders integer
---@field links integer
---@field bytes integer
---@field elapsed number seconds

---@class orch.archive.ExtractOptions
---@field include? string|string[] patterns as in `fs.glob`, over names in the archive
---@field exclude? string|string[]
---@field strip? integer takes that many folders off the front of each name; what is left
---  without one is left out
---@field overwrite? boolean replaces files in a folder that is there already; default: such a
---  file is an error, before anything is changed
---@field limit? integer|string bytes, unpacked; default "10G"
---@field max_files? integer|false entries; default 1,000,000
---@field ratio? integer|false how many times the archive's own size may come out of it (beyond
---  100 MB); default 1000
---@field keep_times? boolean default true
---@field charset? string of names in old zips, such as "CP437"
---@field progress? boolean|string|orch.Progress|fun(done: integer, total: integer, name: string)
---  bytes of the archive

---Unpacks an archive into a folder, which is made, or added to. All of it or nothing: until it
---is whole, it is in a hidden folder that nobody else can enter. Refused are absolute paths,
---`..`, drive letters, backslashes, links that leave the folder (also by the way of others),
---devices, two entries of one name in a zip. Owners, setuid bits and archives inside of it are
---left alone.
---@async
---@param path orch.Path
---@param folder orch.Path
---@param opts? orch.archive.ExtractOptions
---@return orch.archive.Extracted extracted raises kind `os`, `exists` (`entry`), or `format`
---  (`entry`, `offset`, `reason`: "unsafe", "limit", "encrypted" or "broken")
function archive.extract(path, folder, opts)
  local fname = "archive.extract"
  arg.check(fname, 1, path, "path")
  arg.check(fname, 2, folder, "path")
  local o = arg.options(fname, opts, extract_options)
  if (o.strip or 0) < 0 then arg.fail("%s: option `strip` should be at least 0", fname) end
  local includes, excludes = patterns(fname, o)
  local max_files = bound(fname, "max_files", o.max_files, MAX_FILES)
  local ratio = bound(fname, "ratio", o.ratio, RATIO)
  local charset = charset_of(fname, o.charset)
  local full, started, meter = place.target(fname, folder), clock.now(), core.meter()
  local above = require("orch.fs.path").dirname(full)
  if above ~= "." then require("orch.core.change").mkdir(above, true, 511) end
  local files, folders, links, bytes = watch.run(fname, o.progress, meter, core.extract,
    place.resolve(path), full, includes, excludes, meter, o.strip or 0, o.overwrite or false,
    o.limit or LIMIT, max_files, ratio, o.keep_times ~= false, charset)
  return { folder = folder, files = files, folders = folders, links = links, bytes = bytes,
    elapsed = clock.now() - started }
end

---The bytes of one file in an archive: the first that the name, or a pattern as in `fs.glob`,
---means.
---
---    local plist, name = orch.archive.read("game.ipa", "Payload/*.app/Info.plist")
---@async
---@param path orch.Path
---@param name string
---@param opts? {limit: integer|string?, charset: string?} `limit` default "64M"
---@return string bytes
---@return string name raises kind `os` (code "ENOENT") when there is none, or `format`
function archive.read(path, name, opts)
  local fname = "archive.read"
  arg.check(fname, 1, path, "path")
  arg.check(fname, 2, name, "string")
  local o = arg.options(fname, opts, { limit = "size", charset = "string" })
  local includes, excludes = require("orch.fs.pattern").parse(fname, 2, name)
  if #excludes > 0 then arg.fail("%s: argument 2 should be a name or a pattern", fname) end
  local bytes, found = core.read(place.resolve(path), includes, excludes, o.limit or 64 << 20,
    charset_of(fname, o.charset))
  if bytes then return bytes, found end
  errors.throw(errors.make { kind = "os", code = "ENOENT", path = path, entry = name,
    message = ("%s: there is no file '%s' in '%s'"):format(fname, name, path) })
end

return arg.public("orch.archive", archive)
