--- Finds the place in a script that a message about a job means: the job's own table is
--- searched for the word that was written there.
---
---     caret.find(job, "timout", "key")  --> "deploy.lua:14", 3
---
--- Names are often computed, in a loop; then it is the line of the job.

local excerpt = require "orch.cli.excerpt"

local FAR = 60 -- lines that a job's table is searched for

local caret = {}

local function escaped(word)
  return (word:gsub("%p", "%%%0"))
end

--- A word in the line: as the key of a table, or between quotes.
local function column_of(line, word, what)
  if what == "key" then
    local at = line:find("%f[%w_]" .. escaped(word) .. "%f[^%w_]%s*=[^=]")
    return at or line:find("%f[%w_]" .. escaped(word) .. "%f[^%w_]%s*=$")
  end
  local at = line:find("[\"']" .. escaped(word) .. "[\"']")
  return at and at + 1
end

--- Another job begins here.
local function is_next(line)
  return line:find "%f[%w_]job%s*[%(\"'%[]"
end

---@param job {source: string, line: integer, where: string}
---@param word string
---@param what "key"|"string"
---@return string where "file:line"
---@return integer? column
function caret.find(job, word, what)
  if type(word) ~= "string" then return job.where end
  for number = job.line, job.line + FAR do
    local line = excerpt.line(job.source, number)
    if not line or (number > job.line and is_next(line)) then break end
    local column = column_of(line, word, what)
    if column then return job.source .. ":" .. number, column end
  end
  return job.where
end

return caret
