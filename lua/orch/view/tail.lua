--- The end of a log, fit for a terminal. Reads without waiting: a view is told of the end
--- of a run when nothing may wait any more.
---
---     for _, line in ipairs(tail.lines(path, 20)) do print(line) end

local text = require "orch.view.text"

local tail = {}

local BYTES = 64 * 1024
local LONGEST = 400 -- bytes of a line, near enough

local function last_bytes(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local _ <close> = file
  local size = file:seek "end" or 0
  local from = math.max(0, size - BYTES)
  file:seek("set", from)
  return file:read(BYTES) or "", from > 0
end

---The last lines of a file that say something, clean and with secrets masked.
---@param path string
---@param most integer
---@return string[]? lines nil where there is no file
---@return boolean? more there are lines before these
function tail.lines(path, most)
  local bytes, cut = last_bytes(path)
  if not bytes then return nil end
  if cut then bytes = bytes:match "^[^\n]*\n(.+)$" or bytes end
  local secrets = package.loaded["orch.secrets"]
  if secrets then bytes = secrets.redact(bytes) end
  local all = {}
  for line in text.clean(bytes):gmatch "[^\n]*%S[^\n]*" do
    all[#all + 1] = line
  end
  local first = math.max(1, #all - most + 1)
  local lines = table.move(all, first, #all, 1, {})
  for i, line in ipairs(lines) do
    if #line > LONGEST then lines[i] = text.cut(line, LONGEST) end
  end
  return lines, cut or first > 1
end

return tail
