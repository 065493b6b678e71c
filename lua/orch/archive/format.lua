--- Which kind of archive is made: by the extension of its name, or as it is told.
---
---     formats.choose("archive.create", "game.tgz", {}).filter  --> "gzip"

local arg = require "orch.arg"
local runtime = require "orch.core.runtime"

local format = {}

--- name -> container, filter, lowest and highest level
local kinds = {
  ["zip"] = { "zip", "none", 0, 9 },
  ["tar"] = { "tar", "none" },
  ["tar.gz"] = { "tar", "gzip", 0, 9 },
  ["tar.zst"] = { "tar", "zstd", 1, 22 },
  ["tar.xz"] = { "tar", "xz", 0, 9 },
}

--- Other extensions of the same.
local also = {
  tgz = "tar.gz", tzst = "tar.zst", txz = "tar.xz", unitypackage = "tar.gz",
  jar = "zip", apk = "zip", aab = "zip", ipa = "zip", nupkg = "zip", itch = "zip",
}

local threaded = { zstd = true, xz = true }

local function by_name(path)
  local name = path:lower():match "[^/]*$"
  local double, single = name:match "%.(tar%.%w+)$", name:match "%.(%w+)$"
  local found = double or single
  return found and (kinds[found] and found or also[found])
end

--- A cancellation waits for the blocks that threads work on: where those last, there is one
--- thread. From two on, their number does not change the bytes.
local function default_threads(filter, level)
  if filter ~= "zstd" or (level or 3) > 9 then return 1 end
  return math.max(2, runtime.cpus())
end

local KNOWN = "zip, tar, tar.gz, tar.zst or tar.xz"

---@return {name: string, container: string, filter: string, level: integer, threads: integer}
function format.choose(fname, path, o)
  local name = o.format and (kinds[o.format] and o.format or also[o.format])
  if o.format and not name then
    arg.fail("%s: option `format` should be %s, not %q", fname, KNOWN, o.format)
  end
  name = name or by_name(path)
  if not name then
    arg.fail("%s: the name '%s' tells no format: it should end in .zip, .tar, .tar.gz, .tar.zst "
      .. "or .tar.xz; or use option `format`", fname, path)
  end
  local container, filter, lowest, highest = table.unpack(kinds[name])
  if o.level and not lowest then arg.fail("%s: a tar alone has no `level`", fname) end
  if o.level and (o.level < lowest or o.level > highest) then
    arg.fail("%s: option `level` of %s should be %d to %d, not %d", fname, name, lowest, highest,
      o.level)
  end
  local threads = o.threads
  if threads and not threaded[filter] then
    arg.fail("%s: %s is made by one thread; `threads` is for tar.zst and tar.xz", fname, name)
  elseif threads and (threads < 1 or threads > 256) then
    arg.fail("%s: option `threads` should be 1 to 256, not %d", fname, threads)
  end
  threads = threads or default_threads(filter, o.level)
  return { name = name, container = container, filter = filter, level = o.level or -1,
    threads = threads }
end

return format
