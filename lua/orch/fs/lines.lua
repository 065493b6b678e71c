--- The lines of a file, read block by block.
---
---     for line in fs.lines("build.log") do print(line) end

local arg = require "orch.arg"
local checkpoint = require("orch.task").checkpoint
local core = require "orch.core.lines"
local place = require "orch.place"

local function lines(path, opts)
  arg.check("fs.lines", 1, path, "path")
  opts = arg.options("fs.lines", opts, { keep_ends = "boolean" })
  local full, keep = place.resolve(path), opts.keep_ends or false
  local reader, alone = core.open(), false
  local closer = setmetatable({}, { __close = function() core.close(reader) end })

  local function read()
    local block, more = core.next(reader, full, alone, keep)
    if not block then
      alone = true
      block, more = core.next(reader, full, alone, keep)
    end
    return block, more
  end

  local block, more = read()
  local i = 0
  return function()
    i = i + 1
    local line = block[i]
    if line then
      checkpoint()
      return line
    end
    while more do
      block, more = read()
      i = 1
      if block[1] then return block[1] end
    end
  end, nil, nil, closer
end

return lines
