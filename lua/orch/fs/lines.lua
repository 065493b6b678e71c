--- The lines of a file, read block by block.
---
---     for line in fs.lines("build.log") do print(line) end

local arg = require "orch.arg"
local checkpoint = require("orch.task").checkpoint
local core = require "orch.core.lines"
local place = require "orch.place"
local unclosed = require "orch.unclosed"

--- Not the reader itself: the collector closes its file, also when nobody else does.
local Unread = {
  leak = "the fs.lines of %s was neither read to its end nor closed: use it as "
    .. "`for line in fs.lines(path) do`",
}

local function lines(path, opts)
  arg.check("fs.lines", 1, path, "path")
  opts = arg.options("fs.lines", opts, { keep_ends = "boolean" })
  local full, keep = place.resolve(path), opts.keep_ends or false
  local reader, alone = core.open(), false
  local unread = setmetatable({}, Unread)
  local closer = setmetatable({}, { __close = function()
    unclosed.remove(unread)
    core.close(reader)
  end })

  local function read()
    local block, more = core.next(reader, full, alone, keep)
    if not block then
      alone = true
      block, more = core.next(reader, full, alone, keep)
    end
    if not more then unclosed.remove(unread) end
    return block, more
  end

  local block, more = read()
  if more then unclosed.add(unread) end
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
