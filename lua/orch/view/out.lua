--- Standard output for a view: whole pieces, and no error when nobody reads any more. A
--- run does not end because the one who watched it has gone; at the end orch says that
--- standard output could not be written.
---
---     local out = outs.new { color = false }
---     out:write "text\n"

local output = require "orch.output"
local tty = require "orch.tty"

local WHOLE = 64 * 1024 -- bytes

---@class orch.ViewOut
---@field color boolean
---@field private file {write: function, flush: function}
---@field private broken boolean
local Out = {}
Out.__index = Out

local function write(file, text)
  local called, written = pcall(file.write, file, text)
  if called and written then called, written = pcall(file.flush, file) end
  return called and written
end

---In one piece, as far as the stream lets it; not into the log of the job that happens to
---run.
---@param text string
function Out:write(text)
  if self.broken or text == "" then return end
  self.broken = not output.aside(write, self.file, text)
end

---Whether what is written goes out in one piece, not line by line as terminals have it.
---@param on boolean
function Out:whole(on)
  if self.file ~= io.stdout then return end
  if on then
    self.file:setvbuf("full", WHOLE)
  elseif tty.is_terminal "stdout" then
    self.file:setvbuf "line"
  end
end

---@return integer columns
---@return integer rows
function Out:size()
  return tty.size()
end

local outs = {}

---@param opts {stdout: table?, color: boolean?, size: (fun(): integer, integer)?}
---@return orch.ViewOut
function outs.new(opts)
  local color = opts.color
  if color == nil then color = tty.color "stdout" end
  local out = setmetatable({
    file = opts.stdout or io.stdout, color = color, broken = false,
  }, Out)
  if opts.size then out.size = opts.size end
  return out
end

return outs
