--- Lines out of pieces that are cut anywhere.
---
---     local splitter = lines.splitter()
---     for _, line in ipairs(splitter:feed "one\ntw") do print(line) end   -- one
---     print(splitter:finish())                                            -- tw

local find, sub = string.find, string.sub

local lines = {}

---@class orch.http.Splitter
---@field private parts string[] of the line that has not ended
---@field private size integer bytes in them
---@field private mark string the pattern of a line's end
---@field private skip boolean a CR was last: an LF that follows belongs to it
local Splitter = {}
Splitter.__index = Splitter

--- The line up to here.
local function take(self, text)
  local parts = self.parts
  local count = #parts
  if count == 0 then return text end
  parts[count + 1] = text
  local line = table.concat(parts)
  self.parts, self.size = {}, 0
  return line
end

---The lines that are whole now, without their ends.
---@param chunk string
---@return string[]
function Splitter:feed(chunk)
  local list, at = {}, 1
  if self.skip and chunk ~= "" then
    self.skip = false
    if sub(chunk, 1, 1) == "\n" then at = 2 end
  end
  while true do
    local stop = find(chunk, self.mark, at)
    if not stop then break end
    local line = take(self, sub(chunk, at, stop - 1))
    at = stop + 1
    if self.any_end then
      if sub(chunk, stop, stop) == "\r" then
        if sub(chunk, at, at) == "\n" then
          at = at + 1
        elseif at > #chunk then
          self.skip = true
        end
      end
    elseif sub(line, -1) == "\r" then
      line = sub(line, 1, -2)
    end
    list[#list + 1] = line
  end
  if at <= #chunk then
    local rest = at == 1 and chunk or sub(chunk, at)
    self.parts[#self.parts + 1] = rest
    self.size = self.size + #rest
  end
  return list
end

---The last line, if it has no end.
---@return string?
function Splitter:finish()
  if #self.parts == 0 then return nil end
  return take(self, "")
end

---@param any_end boolean? a lone CR ends a line as well
---@return orch.http.Splitter
function lines.splitter(any_end)
  return setmetatable({ parts = {}, size = 0, mark = any_end and "[\r\n]" or "\n",
    any_end = any_end or false, skip = false }, Splitter)
end

---How much of a text's end is the beginning of a character whose rest is to come.
---@param text string
---@return integer bytes 0 to 3
function lines.unfinished(text)
  for back = 1, math.min(3, #text) do
    local byte = text:byte(-back)
    if byte < 0x80 then return 0 end
    if byte >= 0xC0 then
      local length = byte >= 0xF0 and 4 or byte >= 0xE0 and 3 or 2
      return length > back and back or 0
    end
  end
  return 0
end

return lines
