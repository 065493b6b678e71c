--- Server-sent events, as WHATWG's HTML standard reads them.
---
---     local p = events.parser()
---     for _, event in ipairs(p:feed "data: hello\n\n") do print(event.data) end
---
--- Pieces may be cut anywhere, also within a character or between CR and LF.

local splitter = require("orch.http.lines").splitter

local events = {}

---@class orch.http.Event
---@field event string "message" unless the server says otherwise
---@field data string its lines, joined by "\n"
---@field id string? the last one that the stream has named
---@field retry integer? milliseconds before connecting again, where it has been said since
---  the event before

---@class orch.http.EventParser
---@field id string? the last event's, also of one without data
---@field retry integer? milliseconds, the last that came
---@field private splitter orch.http.Splitter
local Parser = {}
Parser.__index = Parser

local function dispatch(self)
  local data, id = self.data, self.new_id
  if id then self.id, self.new_id = id ~= "" and id or nil, nil end
  local event = data and {
    event = self.event ~= "" and self.event or "message",
    data = #data == 1 and data[1] or table.concat(data, "\n"),
    id = self.id, retry = self.new_retry,
  }
  self.data, self.event = nil, ""
  if event then self.new_retry = nil end -- one without data says it for the next
  return event
end

local fields = {
  data = function(self, value)
    local data = self.data
    if not data then
      self.data = { value }
    else
      data[#data + 1] = value
    end
  end,
  event = function(self, value) self.event = value end,
  id = function(self, value)
    if not value:find("\0", 1, true) then self.new_id = value end
  end,
  retry = function(self, value)
    if not value:find "^%d+$" then return end
    self.retry = math.tointeger(tonumber(value))
    self.new_retry = self.retry
  end,
}

local function take_line(self, line)
  local colon = line:find(":", 1, true)
  if colon == 1 then return end -- a comment
  local name, value = line, ""
  if colon then
    name = line:sub(1, colon - 1)
    value = line:sub(line:byte(colon + 1) == 32 and colon + 2 or colon + 1)
  end
  local field = fields[name]
  if field then field(self, value) end
end

---The events that are whole now.
---@param chunk string
---@return orch.http.Event[]
function Parser:feed(chunk)
  local list = {}
  for _, line in ipairs(self.splitter:feed(chunk)) do
    if self.first then
      self.first = false
      line = line:gsub("^\xEF\xBB\xBF", "")
    end
    if line == "" then
      list[#list + 1] = dispatch(self)
    else
      take_line(self, line)
    end
  end
  return list
end

---The stream has ended. An event without the empty line that ends it is dropped, as the
---standard says: it may be cut short.
---@return orch.http.Event[] list empty
function Parser:finish()
  self.data, self.event, self.new_retry = nil, "", nil
  self.splitter:finish()
  return {}
end

---Bytes of a line or an event that is not whole.
---@return integer
function Parser:pending()
  local size = self.splitter.size
  for _, line in ipairs(self.data or {}) do size = size + #line end
  return size
end

---@return orch.http.EventParser
function events.parser()
  return setmetatable({ splitter = splitter(true), first = true, event = "" }, Parser)
end

return events
