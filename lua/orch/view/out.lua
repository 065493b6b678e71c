--- Standard output for a view: whole pieces, and no error when nobody reads any more. A
--- run does not end because the one who watched it has gone; at the end orch says that
--- standard output could not be written.
---
---     local out = output.new { color = false }
---     out:write "text\n"

local tty = require "orch.tty"

local WHOLE = 64 * 1024 -- bytes

---@class orch.ViewOut
---@field color boolean
---@field private file {write: function, flush: function}
---@field private broken boolean
local Out = {}
Out.__index = Out

---In one piece, as far as the stream lets it.
---@param text string
function Out:write(text)
  if self.broken or text == "" then return end
  local called, written = pcall(self.file.write, self.file, text)
  if called and written then called, written = pcall(self.file.flush, self.file) end
  self.broken = not (called and written)
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

local output = {}

---@param opts {stdout: table?, color: boolean?, size: (fun(): integer, integer)?}
---@return orch.ViewOut
function output.new(opts)
  local color = opts.color
  if color == nil then color = tty.color "stdout" end
  local out = setmetatable({
    file = opts.stdout or io.stdout, color = color, broken = false,
  }, Out)
  if opts.size then out.size = opts.size end
  return out
end

return output
