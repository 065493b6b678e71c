--- The answers that `ai.map` has had, in a file: a run that was ended goes on where it was.
---
---     local journal <close> = journals.open "answers.jsonl"
---     local response = journal:take(key) or ask()
---     journal:add(key, response)
---
--- A line of JSON per answer, written as soon as it is there. What a kill has torn off is
--- asked again.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local field = require "orch.ai.field"
local fs = require "orch.fs"
local hash = require "orch.hash"
local json = require "orch.json"

local HEAD = '{"journal":"orch ai.map","version":1}'

--- Of a response; `raw` is large, and the rest can be told from these.
local kept = { "text", "provider", "model", "elapsed", "usage", "finish_reason", "tool_calls",
  "json", "request_id" }

---@class orch.ai.Journal
local Journal = { __name = "orch.ai.Journal" }
Journal.__index = Journal

---What an answer is found by: everything that it depends on and that can be seen.
---@param provider table
---@param prompt any
---@param chat table
---@return string key
function Journal.key(provider, prompt, chat)
  local ok, text = pcall(json.encode, { prompt = prompt, options = chat,
    provider = tostring(provider.name), model = provider.model }, { sorted = true })
  if ok then return hash.sha256(text) end
  if not errors.is(text) then error(text, 0) end
  arg.fail("ai.map: with `resume`, prompts and options should be plain data: %s", text.message)
end

---The next answer under a key, once.
---@param key string
---@return orch.ai.Response? response
function Journal:take(key)
  local list = self.found[key]
  return list and table.remove(list, 1)
end

---Writes an answer. Does not wait: a cancellation must not lose what was paid for.
---@param key string
---@param response orch.ai.Response
function Journal:add(key, response)
  local record = {}
  for _, field in ipairs(kept) do record[field] = response[field] end
  local line = json.encode({ key = key, response = record }, { sorted = true }) .. "\n"
  local ok, problem = self.file:write(line)
  if ok then ok, problem = self.file:flush() end
  if not ok then
    errors.throw(errors.make { kind = "os", path = self.path,
      message = ("cannot write '%s': %s"):format(self.path, problem) })
  end
end

---Closes the file and gives the lock back; a second time does nothing.
function Journal:close()
  local file, guard = self.file, self.lock
  self.file, self.lock = false, false
  if file then file:close() end
  if guard then guard:release() end
end

Journal.__close = Journal.close

--- Lines that are none of ours were torn.
local function read(text)
  local found = {}
  for line in text:gmatch "[^\n]+" do
    local ok, entry = pcall(json.decode, line)
    local key = ok and field.text(entry, "key")
    if key and field.text(entry, "response", "text") then
      found[key] = found[key] or {}
      table.insert(found[key], entry.response)
    end
  end
  return found
end

local function check_head(path, text)
  if text:sub(1, #HEAD + 1) == HEAD .. "\n" or HEAD:sub(1, #text) == text then return end
  arg.fail("ai.map: '%s' is no journal of ai.map; give `resume` the name of a file of its own",
    path)
end

local function lock(path)
  local ok, guard = pcall(fs.lock, path, { timeout = 0 })
  if ok then return guard end
  if not errors.is(guard) or guard.kind ~= "timeout" then error(guard, 0) end
  errors.throw(errors.make { kind = "closed", path = path,
    message = ("ai.map: another run writes to '%s'"):format(path) })
end

local journals = { key = Journal.key }

local function open_file(path)
  local file, problem = io.open(path, "ab")
  if file then return file end
  errors.throw(errors.make { kind = "os", path = path, message = "cannot write " .. problem })
end

--- Whatever was torn off, the next line begins at its own.
local function begin_line(file, text)
  file:setvbuf "full"
  if not text:find("\n", 1, true) then
    file:write(HEAD:sub(#text + 1), "\n")
  elseif text:sub(-1) ~= "\n" then
    file:write "\n"
  end
end

local Opening = { __close = function(self)
  if self.journal then self.journal:close() end
end }

---@async
---@param path string
---@return orch.ai.Journal journal for `<close>`; raises kind `usage` for a file that is none,
---  `closed` when another run has it
function journals.open(path)
  local self = setmetatable({ path = path, lock = false, file = false, found = false }, Journal)
  local opening <close> = setmetatable({ journal = self }, Opening)
  self.lock = lock(path)
  local text = fs.read(path)
  check_head(path, text)
  self.found, self.file = read(text), open_file(path)
  begin_line(self.file, text)
  opening.journal = nil
  return self
end

return journals
