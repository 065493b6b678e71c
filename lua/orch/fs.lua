--- Files and folders. A call waits for its own task only; the whole operation is
--- one trip to a thread.
---
---     local fs = orch.fs
---     fs.write("out/report.txt", fs.read("notes.txt"):upper())

local arg = require "orch.arg"
local change = require "orch.core.change"
local entry = require "orch.core.entry"
local file = require "orch.core.file"
local place = require "orch.place"

local check, options = arg.check, arg.options
local resolve, target_of = place.resolve, place.target

local fs = { path = require "orch.fs.path" }

---@alias orch.Path string without NUL, not empty; relative to the task's folder (`orch.cd`)

--- Some bytes of a file: what headers are read with.
local function read_part(path, opts)
  local offset, length = opts.offset or 0, opts.length
  if offset < 0 then arg.fail("fs.read: option `offset` should be at least 0, not %d", offset) end
  if length and length < 0 then
    arg.fail("fs.read: option `length` should be at least 0, not %d", length)
  end
  return require("orch.core.part").read(path, offset, length or math.maxinteger)
end

---The whole content of a file, or a part of it. A FIFO or a terminal is read to its end.
---@async
---@param path orch.Path
---@param opts? {offset: integer?, length: number|string?} of an ordinary file: the bytes from
---  `offset` on, counted from 0, at most `length` of them (`"4K"`)
---@return string content raises kind `os` (`code`, `path`)
---@return integer? size of the whole file, where a part was asked for (of what has none before
---  it is read, as in /proc: up to the end of the part)
function fs.read(path, opts)
  path = resolve(arg.path("fs.read", 1, path))
  if type(opts) == "table" then -- what orch.map passes along is no table
    opts = options("fs.read", opts, { offset = "integer", length = "size" })
    if opts.offset or opts.length then return read_part(path, opts) end
  end
  return file.read(path, false) or file.read(path, true)
end

local write_options = { atomic = "boolean", sync = "boolean", mode = "integer" }

--- What is no ordinary file may block for long: then a thread of its own does it.
local function write(path, data, how, mode, sync)
  if not file.write(path, data, how, mode, sync, false) then
    file.write(path, data, how, mode, sync, true)
  end
end

---Writes a file: readers see the old content or the new, also after a crash. Follows
---links, keeps the mode of an old file. A FIFO or a device is written to as it is.
---@async
---@param path orch.Path
---@param data string
---@param opts? {atomic: boolean?, sync: boolean?, mode: integer?} `atomic=false`
---  overwrites in place; `sync=false` does not wait for the disk; `mode` such as
---  tonumber("755", 8)
function fs.write(path, data, opts)
  check("fs.write", 1, path, "path")
  check("fs.write", 2, data, "string")
  opts = options("fs.write", opts, write_options)
  write(target_of("fs.write", path), data, opts.atomic == false and "in_place" or "atomic",
    opts.mode or -1, opts.sync ~= false)
end

---Appends to a file, which is made when it is missing.
---@async
---@param path orch.Path
---@param data string
---@param opts? {sync: boolean?, mode: integer?} `sync=true` waits for the disk
function fs.append(path, data, opts)
  check("fs.append", 1, path, "path")
  check("fs.append", 2, data, "string")
  opts = options("fs.append", opts, { sync = "boolean", mode = "integer" })
  write(target_of("fs.append", path), data, "append", opts.mode or -1, opts.sync or false)
end

---The lines of a file, without their ends (LF or CR LF), in constant memory.
---@async
---@param path orch.Path
---@param opts? {keep_ends: boolean?}
---@return async fun(): string? for `for line in fs.lines(path) do`
function fs.lines(path, opts)
  return require "orch.fs.lines"(path, opts)
end

---Whether something is there; a link to nothing is not, unless `follow=false`.
---@async
---@param path orch.Path
---@param opts? {follow: boolean?}
---@return boolean
function fs.exists(path, opts)
  check("fs.exists", 1, path, "path")
  opts = options("fs.exists", opts, { follow = "boolean" })
  return entry.exists(resolve(path), opts.follow ~= false)
end

---@class orch.Stat
---@field type "file"|"folder"|"link"|"fifo"|"socket"|"device"
---@field size integer bytes
---@field disk integer bytes that it takes on the disk
---@field mode integer permission bits
---@field mode_text string such as "rwxr-xr-x"
---@field mtime number seconds since 1970: content changed
---@field atime number
---@field ctime number
---@field uid integer
---@field gid integer
---@field links integer
---@field inode integer
---@field device integer
---@field target string? of a link, with `follow=false`

---What the system knows about a path.
---@async
---@param path orch.Path
---@param opts? {follow: boolean?} `follow=false` tells of a link itself
---@return orch.Stat stat raises kind `os`
function fs.stat(path, opts)
  check("fs.stat", 1, path, "path")
  opts = options("fs.stat", opts, { follow = "boolean" })
  return entry.stat(resolve(path), opts.follow ~= false)
end

---The names in a folder, sorted, hidden ones included.
---@async
---@param path? orch.Path default: the task's folder
---@param opts? {type: "file"|"folder"|"link"|nil}
---@return string[] names raises kind `os`
function fs.list(path, opts)
  check("fs.list", 1, path, "path?")
  opts = options("fs.list", opts, { type = "string" })
  local names, types = entry.list(resolve(path or "."))
  if not opts.type then return names end
  local chosen = {}
  for i, name in ipairs(names) do
    if types[i] == opts.type then chosen[#chosen + 1] = name end
  end
  return chosen
end

---@class orch.WalkEntry
---@field path string the root as it was given, and the way from there
---@field name string
---@field type "file"|"folder"|"link"|"fifo"|"socket"|"device"
---@field depth integer 1 for what is in the root
---@field size integer? with `stat=true`
---@field mtime number? with `stat=true`
---@field mode integer? with `stat=true`

---Everything below a folder: a folder before its content, names in order. Links are
---not followed, hidden entries are included, an unreadable folder raises.
---@async
---@param path orch.Path
---@param opts? {match: string|string[]?, exclude: string|string[]?, type: string?, depth: integer?, hidden: boolean?, follow: boolean?, stat: boolean?, unreadable: "raise"|"skip"|nil}
---  patterns as in `glob`, relative to the root; an excluded folder is not entered
---@return async fun(): orch.WalkEntry? for `for entry in fs.walk(path) do`
function fs.walk(path, opts)
  return require "orch.fs.walk"(path, opts)
end

---The paths that match, sorted. `**` is any number of folders, `*` `?` `[a-z]`
---`[!a-z]` stay inside one name, `{a,b}` is either, `\` takes the next character as
---it is; `"!x"` excludes, and an excluded folder excludes all that is in it. Wildcards
---match hidden names (`hidden=false`: not). `**` does not go through links
---(`follow=true`: it does). An unreadable folder raises (`unreadable="skip"`: not).
---@async
---@param patterns string|string[]
---@param opts? {cwd: string?, type: "file"|"folder"|"link"|nil, hidden: boolean?, follow: boolean?, unreadable: "raise"|"skip"|nil}
---@return string[] paths relative where the pattern is
function fs.glob(patterns, opts)
  return require "orch.fs.glob"(patterns, opts)
end

---What a file or a tree weighs, as `du -sb` says: the bytes of all files and of the
---folders themselves, a file with several names once.
---@async
---@param path orch.Path
---@return integer bytes
---@return {files: integer, folders: integer, largest: integer} details
function fs.size(path)
  check("fs.size", 1, path, "path")
  local bytes, files, folders, largest =
    require("orch.core.size").measure(resolve(path))
  return bytes, { files = files, folders = folders, largest = largest }
end

---Makes a folder and those above it; one that is there already is fine.
---@async
---@param path orch.Path
---@param opts? {parents: boolean?, mode: integer?} `parents=false`: exactly this one,
---  and it must be new
---@return boolean made
function fs.mkdir(path, opts)
  check("fs.mkdir", 1, path, "path")
  opts = options("fs.mkdir", opts, { parents = "boolean", mode = "integer" })
  return change.mkdir(target_of("fs.mkdir", path), opts.parents ~= false, opts.mode or 511)
end

---Removes a file, a link or an empty folder; with `recursive=true` a whole tree.
---@async
---@param path orch.Path
---@param opts? {recursive: boolean?, missing_ok: boolean?}
---@return boolean removed false: it was missing, and `missing_ok=true`
function fs.remove(path, opts)
  check("fs.remove", 1, path, "path")
  opts = options("fs.remove", opts, { recursive = "boolean", missing_ok = "boolean" })
  local full = target_of("fs.remove", path)
  if opts.recursive and fs.path.absolute(full) == "/" then
    arg.fail("fs.remove: '/' with `recursive` would remove the whole system")
  end
  return require("orch.core.remove").remove(full, opts.recursive or false,
    opts.missing_ok or false)
end

local copy_options = { overwrite = "boolean", sync = "boolean", times = "boolean" }

---Copies a file (it appears when it is whole) or a tree into a new or existing
---folder, of any size in constant memory. Keeps modes; links in a tree stay links.
---@async
---@param from orch.Path
---@param to orch.Path the new path itself, not a folder to put it into
---@param opts? {overwrite: boolean?, sync: boolean?, times: boolean?} defaults true,
---  false, false; `times` keeps the times
---@return integer bytes
function fs.copy(from, to, opts)
  check("fs.copy", 1, from, "path")
  check("fs.copy", 2, to, "path")
  opts = options("fs.copy", opts, copy_options)
  return require("orch.core.duplicate").copy(resolve(from),
    target_of("fs.copy", to), opts.overwrite ~= false, opts.sync or false,
    opts.times or false)
end

---Moves or renames; across devices it copies and removes.
---@async
---@param from orch.Path
---@param to orch.Path the new path itself, not a folder to put it into
---@param opts? {overwrite: boolean?} default true, for files
function fs.move(from, to, opts)
  check("fs.move", 1, from, "path")
  check("fs.move", 2, to, "path")
  opts = options("fs.move", opts, { overwrite = "boolean" })
  local overwrite = opts.overwrite ~= false
  local source, target = target_of("fs.move", from), target_of("fs.move", to)
  if change.move(source, target, overwrite) then return end
  require("orch.core.duplicate").copy(source, target, overwrite, true, true)
  require("orch.core.remove").remove(source, true, false)
end

---Makes `path` a link to `target` (relative to the link's folder, and it need not be
---there), or with `hard=true` another name of the same file.
---@async
---@param path orch.Path
---@param target string
---@param opts? {hard: boolean?, replace: boolean?}
function fs.link(path, target, opts)
  check("fs.link", 1, path, "path")
  check("fs.link", 2, target, "path")
  opts = options("fs.link", opts, { hard = "boolean", replace = "boolean" })
  if opts.hard then target = resolve(target) end
  change.link(target_of("fs.link", path), target, opts.hard or false, opts.replace or false)
end

---A new empty folder of our own, removed with all that is in it when the run ends.
---@async
---@param opts? {dir: string?, prefix: string?, keep: boolean?} `dir` is $TMPDIR or /tmp
---@return string path absolute
function fs.temp_dir(opts)
  return require("orch.fs.temp").dir(opts)
end

---A new empty file of our own, removed when the run ends.
---@async
---@param opts? {dir: string?, prefix: string?, suffix: string?, keep: boolean?}
---@return string path absolute
function fs.temp_file(opts)
  return require("orch.fs.temp").file(opts)
end

---The hash of a file of any size, in constant memory.
---@async
---@param path orch.Path
---@param algorithm? string "sha256" (default), "md5", "sha1", "sha512", ...
---@return string hex
function fs.hash(path, algorithm)
  check("fs.hash", 1, path, "path")
  algorithm = check("fs.hash", 2, algorithm, "string?") or "sha256"
  return require("orch.core.hash").file(algorithm, resolve(path))
end

---Watches a path and, unless `recursive=false`, all below it. Changes come in
---batches: once nothing has changed for `debounce` (default 50 ms).
---@async
---@param path orch.Path
---@param opts? {recursive: boolean?, debounce: number|string?, match: string|string[]?, exclude: string|string[]?}
---@return orch.fs.Watch watch `for changes in fs.watch(path) do`, `:next()`, `:close()`,
---  `<close>`; `changes` is a list of {path=, kind="created"|"changed"|"removed"}.
---  The loop ends by `break` or `:close()`. When the watched folder itself is removed or
---  moved away, its last changes come and then kind `os` is raised
function fs.watch(path, opts)
  return require "orch.fs.watch"(path, opts)
end

---Searches files for PCRE2 patterns, line by line, on all cores. A folder stands for
---all files below it.
---@async
---@param paths string|string[]
---@param patterns string|string[]|table<string, string>
---@param opts? {caseless: boolean?, literal: boolean?, occurrences: boolean?, lines: boolean?, matches: boolean?, limit: integer?}
---@return orch.ScanResult
function fs.scan(paths, patterns, opts)
  return require "orch.fs.scan"(paths, patterns, opts)
end

---Takes a lock on a file (made when it is missing) that excludes other processes and
---other tasks. It ends with its block, with `:release()`, or with the process.
---@async
---@param path orch.Path
---@param opts? {timeout: number|string?, shared: boolean?} `timeout=0` does not wait
---@return orch.fs.Lock guard for `<close>`; raises kind `timeout`, with the `pid` that
---  holds it, or `deadlock` where this task does
function fs.lock(path, opts)
  return require "orch.fs.lock"(path, opts)
end

return arg.public("orch.fs", fs)
