--- What a rule's results depend on besides the file: its code with all that it captures, its
--- configuration, and the readers it may use.
---
---     local keys = key.of(rules)       -- keys.by_rule["texture.size"], keys.all

local arg = require "orch.arg"
local code = require "orch.core.code"
local fingerprint = require "orch.pipeline.fingerprint"
local fs = require "orch.fs"
local runtime = require "orch.core.runtime"

local key = {}

--- A format that is registered again, as when rules are read anew, counts once.
local function readers()
  local list, seen, all = {}, {}, require("orch.asset").registered()
  for i = #all, 1, -1 do
    if not seen[all[i].format] then seen[all[i].format], list[#list + 1] = true, all[i] end
  end
  return list
end

--- Readers and rules change with the program: its size and date stand for it.
local function program()
  local stat = fs.stat(runtime.executable())
  return ("%d %.9f %s"):format(stat.size, stat.mtime, os.getenv "ORCH_LUA" or "")
end

---@async
---@param rules orch.check.Rule[]
---@return {by_rule: table<string, string>, all: string} keys 16 bytes each
function key.of(rules)
  local memo, by_rule, parts = fingerprint.memo(), {}, {}
  local common = program() .. fingerprint.encode(memo, readers())
  for i, rule in ipairs(rules) do
    local bytes = fingerprint.encode(memo, { rule.id, rule.run, rule.config, rule.files,
      rule.severity, rule.scope, rule.timeout, arg.keys_of(rule.fixes), rule.trusted or false,
      rule.text_key or "" })
    by_rule[rule.id] = code.hash(common .. bytes)
    parts[i] = by_rule[rule.id]
  end
  return { by_rule = by_rule, all = code.hash(table.concat(parts)) }
end

return key
