--- Gathers what is wrong with the jobs of a script, to tell all of it at once.
---
---     local problems = problem.list()
---     problems:add(job, "clien", "it needs 'clien', which is not a job")
---     problems:raise()       --> kind `graph`
---
--- An Error has one sentence and one place; of several problems, the further ones are in
--- its `problems`, and in `details` as text with the script's lines.

local core = require "orch.core.error"

local MOST = 20 -- that are told; a typing error in a loop is not told a thousand times

local Problems = {}
Problems.__index = Problems

local problem = {}

---@return table problems
function problem.list()
  return setmetatable({ count = 0 }, Problems)
end

---@param job orch.Job|{source: string, line: integer, where: string}
---@param word string? what the caret points at, between quotes in the job's table
---@param sentence string|fun(): string a function is asked only if the problem is told
---@param what "key"|"string"|nil default: string
function Problems:add(job, word, sentence, what)
  self.count = self.count + 1
  if self.count > MOST then return end
  local where, column = job.where, nil
  if word then where, column = require("orch.pipeline.caret").find(job, word, what or "string") end
  if type(sentence) == "function" then sentence = sentence() end
  self[#self + 1] = { message = sentence, where = where, column = column, line = job.line,
    index = #self }
end

local function details(list)
  local excerpt = require "orch.cli.excerpt"
  local lines = {}
  for _, one in ipairs(list) do
    lines[#lines + 1] = one.where .. ": " .. one.message
    for _, line in ipairs(excerpt.lines(one.where, "", one.column)) do
      lines[#lines + 1] = "  " .. line
    end
  end
  return lines
end

---Raises kind `graph` when there is anything to raise; `problems` are all of them, each
---with `message`, `where`, `column`.
function Problems:raise()
  if self.count == 0 then return end
  table.sort(self, function(a, b)
    return a.line < b.line or a.line == b.line and a.index < b.index
  end)
  local first, rest = self[1], self.count - #self
  local list = table.move(self, 1, #self, 1, {})
  local err = { kind = "graph", traceback = "", problems = list, message = first.message,
    where = first.where, column = first.column }
  if self.count > 1 then
    local lines = details(list)
    if rest > 0 then lines[#lines + 1] = ("and %d more"):format(rest) end
    err.message = ("%d things are wrong with the jobs:"):format(self.count)
    err.where, err.column, err.details = nil, nil, table.concat(lines, "\n")
  end
  core.throw(core.make(err))
end

return problem
