--- One exchange while it is recorded: what was sent, what has come of the answer, and
--- the fields that the tape gets when it is over. It is written once.

local clock = require "orch.core.clock"
local core = require "orch.core.task"
local errors = require "orch.core.error"
local body = require "orch.http.tape.body"
local file = require "orch.http.tape.file"
local request = require "orch.http.tape.request"

local PIECE = 1 << 20

--- Only what the network did is repeated by a tape.
local failures = { network = true, tls = true, http = true, timeout = true }

--- How far it got, in seconds, to the millisecond.
local function rounded(seconds)
  return math.floor(seconds * 1000 + 0.5) / 1000
end

---@class orch.http.Taken
---@field n integer in the order of the requests
---@field chunks string[] of the answer's body
---@field times number[] when each of them came
local Taken = {}
Taken.__index = Taken

local function since(self)
  return rounded(clock.now() - self.started)
end

---The head of the answer is there.
function Taken:begin(answer)
  self.answer, self.head_at = answer, since(self)
end

--- The bytes that a function gives, as they are sent.
local function tee(self, next_chunk)
  local kept, size, running = {}, 0, require("orch.hash").new "sha256"
  local is_whole = false
  self.given = function()
    if not is_whole then return { { "cut", true } } end -- the answer came before its end
    if size > self.tape.limit then return { { "size", size }, { "sha256", running:digest() } } end
    return request.body_fields(table.concat(kept), self.headers, self.tape.redactor, size)
  end
  return function()
    local chunk = next_chunk()
    if chunk == nil then
      is_whole = true
    elseif type(chunk) == "string" then
      size = size + #chunk
      running:update(chunk)
      if size <= self.tape.limit then kept[#kept + 1] = chunk end
    end
    return chunk
  end
end

--- One more piece of the answer's body; beyond the limit into a file of its own.
function Taken:add(chunk)
  self.size = self.size + #chunk
  if not self.spilled and self.size > self.tape.limit then
    self.spilled = ("%d.bin"):format(self.n)
    local before = table.concat(self.chunks)
    self.chunks, self.times = {}, {}
    return self.tape:keep(self.spilled, before .. chunk, true)
  end
  if self.spilled then return self.tape:keep(self.spilled, chunk) end
  self.chunks[#self.chunks + 1], self.times[#self.times + 1] = chunk, since(self)
end

--- What was saved in a file is read back from there, up to `size`.
function Taken:add_file(path, offset, size)
  local handle <close> = io.open(path, "rb")
  if not handle then return end
  local left = size - handle:seek("set", offset)
  self.is_whole = true
  for piece in function() return left > 0 and handle:read(math.min(PIECE, left)) or nil end do
    left = left - #piece
    self:add(piece)
    core.checkpoint()
  end
end

--- {at=, text=} for each chunk.
local function chunk_list(self)
  local is_text = body.is_text(table.concat(self.chunks))
  local chunks, first = self.tape.redactor:chunks(self.chunks, is_text)
  local list = {}
  for i, chunk in ipairs(chunks) do
    local fields = body.encode(chunk)
    table.insert(fields, 1, { "at", self.times[first[i]] })
    list[i] = file.object(fields)
  end
  return { { "chunks", raw = "[" .. table.concat(list, ",") .. "]" } }
end

--- The answer's body, and its length where redaction has changed that.
local function answer_fields(self)
  if self.spilled then return { { "file", self.spilled }, { "size", self.size } } end
  if #self.chunks > 1 and not self.is_whole then return chunk_list(self) end
  local bytes = table.concat(self.chunks)
  if bytes == "" then return {} end
  local clean = self.tape.redactor:bytes(bytes, body.is_text(bytes))
  return body.encode(clean, "exact"), #clean ~= #bytes and #clean or nil
end

local function head_lines(self, length)
  local list = {}
  for line in self.answer.head:gmatch "[^\r\n]+" do
    line = self.tape.redactor:header(line)
    if length and line:lower():find "^content%-length:" then
      line = line:match "^[^:]+" .. ": " .. length
    end
    list[#list + 1] = line
  end
  return list
end

local function response_fields(self)
  local answer = self.answer
  local more, length = answer_fields(self)
  local fields = { { "status", answer.status } }
  if answer.redirect_url then
    fields[2] = { "redirect_url", self.tape.redactor:url(answer.redirect_url) }
  end
  fields[#fields + 1] = { "head", head_lines(self, length) }
  if self.head_at then fields[#fields + 1] = { "head_at", self.head_at } end
  table.move(more, 1, #more, #fields + 1, fields)
  return fields
end

local of_the_run = { kind = true, message = true, traceback = true, where = true, attempts = true }

--- The plain fields of an Error; the others belong to the run that raised it.
local function error_fields(self, err)
  local redactor = self.tape.redactor
  local fields = { { "kind", err.kind }, { "message", redactor:text(err.message) } }
  for _, key in ipairs(require("orch.arg").keys_of(err)) do
    local value = err[key]
    if type(value) == "string" then value = redactor:text(value) end
    local is_plain = type(value) == "string" or type(value) == "boolean"
      or math.type(value) and value - value == 0 -- neither nan nor inf, which JSON has not
    if is_plain and not of_the_run[key] then fields[#fields + 1] = { key, value } end
  end
  return fields
end

local function write(self, err, ended)
  local sent = table.move(self.head, 1, #self.head, 1, {})
  local sent_body = self.given and self.given() or self.body
  table.move(sent_body, 1, #sent_body, #sent + 1, sent)
  local fields = { { "n", self.n }, { "request", raw = file.object(sent) },
    { "elapsed", since(self) } }
  if ended then fields[#fields + 1] = { "ended", ended } end
  if self.answer then
    fields[#fields + 1] = { "response", raw = file.object(response_fields(self)) }
  end
  if err then fields[#fields + 1] = { "error", raw = file.object(error_fields(self, err)) } end
  self.tape:write(fields)
end

---It is over: with its whole answer, with an error, or because the script ended it.
---@async
---@param err any
---@param closed boolean? the script closed it before its end
function Taken:finish(err, closed)
  if self.is_written then return end
  self.is_written = true
  local ended = closed and (self.is_reading and "cancelled" or "closed") or nil
  if err ~= nil then
    if errors.is_cancelled(err) then
      err, ended = nil, "cancelled"
    elseif not (errors.is(err) and failures[err.kind]) then
      if not self.answer then return end
      err, ended = nil, "closed"
    end
  end
  local shield <close> = core.open("http.tape", nil, true, math.huge, false)
  write(self, err, ended)
end

---Looks at a request before it is sent.
---@async
---@param tape table
---@param raw table a request of the wire
---@return orch.http.Taken taken `.raw` is what is to be sent
return function(tape, raw)
  local self = setmetatable({ tape = tape, n = tape:number(), headers = raw.headers or {},
    chunks = {}, times = {}, size = 0 }, Taken)
  self.head = request.head_fields(raw, tape.redactor)
  if type(raw.body) == "function" then
    local copy = {}
    for key, value in next, raw do copy[key] = value end
    copy.body = tee(self, raw.body)
    self.raw = copy
  else
    self.raw = raw
    self.body = request.body_fields(raw.body, self.headers, tape.redactor, tape.limit)
  end
  self.started = clock.now()
  return self
end
