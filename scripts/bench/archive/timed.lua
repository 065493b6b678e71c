-- timed.lua WHO WHAT FORMAT DATA SCRATCH: one archive, made or unpacked, by us or by bsdtar with
-- the same settings.
local who, what, format, data, scratch = table.unpack(orch.args)
local options = {
  zip = { level = 1, words = "zip:compression-level=1" },
  ["tar.zst"] = { level = 3, threads = 2, words = "zstd:compression-level=3,zstd:threads=2" },
}
local o = options[format]
local path, folder = scratch .. "/made." .. format, scratch .. "/unpacked"

local calls = {}
function calls.ours_create()
  orch.archive.create(path, { folder = data, level = o.level, threads = o.threads })
end

function calls.bsdtar_create()
  orch.process.run { "bsdtar", "-caf", path, "--options", o.words, "-C", data, "." }
end

function calls.ours_extract()
  orch.archive.extract(data .. "." .. format, folder)
end

function calls.bsdtar_extract()
  orch.fs.mkdir(folder)
  orch.process.run { "bsdtar", "-xf", data .. "." .. format, "-C", folder }
end

local started = orch.time()
calls[who .. "_" .. what]()
print("seconds", orch.time() - started)
orch.fs.remove(what == "create" and path or folder, { recursive = true })
