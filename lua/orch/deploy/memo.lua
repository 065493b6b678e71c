--- What an unfinished upload must remember over a crash: the address of a session, the parts
--- that have arrived. A file in `.orch/deploy/` for its owner's eyes only, and gone when the
--- upload is done.
---
---     local memo <close> = memo.open { service = "s3", target = url, source = source }
---     memo.data.session = session
---     memo:save()
---
--- While it is open no other process does the same upload.

local code = require "orch.core.code"
local errors = require "orch.core.error"
local hex = require "orch.hex"
local log = require "orch.log"

local memo = {}

local SAY_AFTER = 1 -- seconds of waiting for another process

---@class orch.deploy.Memo
---@field data table plain data; empty at first, and when the file is another than before
---@field private path string
---@field private identity string
---@field private lock any
local Memo = {}
Memo.__index = Memo

local function take_lock(path, asked)
  local fs = require "orch.fs"
  local ok, guard = pcall(fs.lock, path, { timeout = SAY_AFTER })
  if ok then return guard end
  if not errors.is(guard) or guard.kind ~= "timeout" then error(guard, 0) end
  log.info(("%s: another upload to %s is running; waiting for it"):format(asked.service,
    asked.target))
  return fs.lock(path)
end

--- What is there may be of an older version, or cut off.
local function read(path, identity)
  local ok, kept = pcall(require("orch.json").load, path)
  if ok and type(kept) == "table" and kept.identity == identity
    and type(kept.data) == "table" then
    return kept.data
  end
  return {}
end

---@async
---@param asked {service: string, target: string, source: orch.deploy.Source?, resume: boolean?}
---  `target`: where to, for people and as the key; `resume`: false forgets what was kept
---@return orch.deploy.Memo memo `<close>`-able
function memo.open(asked)
  local fs = require "orch.fs"
  local folder = require("orch.pipeline.project").here().orch .. "/deploy"
  local what = asked.source and asked.source.path or ""
  local name = hex(code.hash(asked.target .. "\0" .. what):sub(1, 8))
  fs.mkdir(folder)
  local path = ("%s/%s-%s.json"):format(folder, asked.service, name)
  local self = setmetatable({
    path = path, lock = take_lock(path .. ".lock", asked),
    identity = asked.source and asked.source:identity() or "",
  }, Memo)
  self.data = asked.resume == false and {} or read(path, self.identity)
  return self
end

---Writes `data` down.
---@async
function Memo:save()
  local fs = require "orch.fs"
  fs.write(self.path, require("orch.json").encode { identity = self.identity, data = self.data },
    { mode = 384 }) -- 0600: the address of a session is as good as a key
end

---Nothing is left to remember.
---@async
function Memo:done()
  self.data = {}
  require("orch.core.remove").remove_now(self.path)
end

--- Who waits for the lock sees that its file is gone, and makes another one.
function Memo:__close()
  require("orch.core.remove").remove_now(self.path .. ".lock")
  self.lock:release()
end

return memo
