--- Temporary files and folders that go when the run ends.

local arg = require "orch.arg"
local change = require "orch.core.change"
local path = require "orch.fs.path"
local place = require "orch.place"
local remove_now = require("orch.core.remove").remove_now
local runtime = require "orch.core.runtime"

local temp = {}

local options = { dir = "path", prefix = "string", suffix = "string", keep = "boolean" }

--- Paths to remove at the end; nil before the first.
local made

local function remember(p)
  if not made then
    made = {}
    runtime.at_exit(function()
      for i = #made, 1, -1 do remove_now(made[i]) end
    end)
  end
  made[#made + 1] = p
end

local function part(fname, name, value)
  if value and value:find("[/\0]") then
    arg.fail("%s: option `%s` should be part of a name, without a slash or a NUL byte",
      fname, name)
  end
  return value or ""
end

local function make(fname, opts, is_folder)
  opts = arg.options(fname, opts, options)
  local dir = place.resolve(opts.dir or os.getenv("TMPDIR") or "/tmp")
  local suffix = part(fname, "suffix", opts.suffix)
  if is_folder and suffix ~= "" then
    arg.fail("%s: a folder has no `suffix`; use `prefix`", fname)
  end
  local prefix = part(fname, "prefix", opts.prefix or "orch-")
  local p = change.temporary(path.join(dir, prefix .. "XXXXXX" .. suffix), is_folder, #suffix)
  p = path.absolute(p)
  if not opts.keep then remember(p) end
  return p
end

function temp.dir(opts)
  return make("fs.temp_dir", opts, true)
end

function temp.file(opts)
  return make("fs.temp_file", opts, false)
end

return temp
