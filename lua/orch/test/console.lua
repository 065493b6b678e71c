-- Prints a test run: a line per file, a block per failure, the closing line.
--
--   local out = console.new { verbose = false, color = false }
--   out:file_done(file)
--   out:close(total)

local report = require "orch.cli.report"

---@class orch.TestConsole
---@field private verbose boolean
---@field private color boolean
---@field private seed integer of this run
---@field private seeded boolean it was asked for, and shuffles
local Console = {}
Console.__index = Console

local console = {}

---@param opts {verbose?: boolean, color?: boolean, seed: integer, seeded: boolean}
---@return orch.TestConsole
function console.new(opts)
  return setmetatable(opts, Console)
end

---@param code string
---@param text string
---@return string
function Console:paint(code, text)
  return report.paint(self.color, code, text)
end

---@param text string
function Console:line(text)
  io.stdout:write(text, "\n")
end

-- A word for the shell: quoted unless it is plain.
local function shell(word)
  if word:find("^[%w_./:=@%%+-]+$") then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

---The command that runs one case again, and nothing else.
---@param path string
---@param name? string nil: the whole file
---@return string
function Console:rerun(path, name)
  local words = { "orch test " .. shell(path) }
  if name then words[2] = "--filter " .. shell(name) end
  if self.seeded then words[#words + 1] = "--seed " .. self.seed end
  return table.concat(words, " ")
end

local marks = {
  passed = { "32", "ok     " },
  failed = { "31", "FAILED " },
  skipped = { "33", "skipped" },
}

---@param case table
function Console:case_done(case)
  if not self.verbose then return end
  local mark = marks[case.status]
  local note = case.reason and " (" .. case.reason .. ")" or ""
  self:line(string.format("  %s %s%s, %.3f s",
    self:paint(mark[1], mark[2]), case.name, note, case.seconds))
end

local function failure_block(self, file, case)
  self:line("")
  self:line(self:paint("1;31", "FAILED") .. " " .. self:paint("1", case.name))
  for _, line in ipairs(case.report) do self:line("  " .. line) end
  self:line("  " .. self:paint("2", "re-run: "
    .. self:rerun(file.path, case.filter)))
end

---@param file table
function Console:file_done(file)
  local parts = {}
  if file.passed > 0 or #file.cases == 0 then
    parts[1] = file.passed .. " passed"
  end
  if file.failed > 0 then
    parts[#parts + 1] = self:paint("31", file.failed .. " failed")
  end
  if file.skipped > 0 then
    parts[#parts + 1] = self:paint("33", file.skipped .. " skipped")
  end
  self:line(string.format("%s: %s, %.2f s", file.path,
    table.concat(parts, ", "), file.seconds))
  for _, case in ipairs(file.cases) do
    if case.status == "failed" then failure_block(self, file, case) end
  end
  if file.failed > 0 then self:line("") end
  io.stdout:flush()
end

-- Several failures: where each of them is, once more and together.
local function list_failures(self, files)
  local list = {}
  for _, file in ipairs(files) do
    for _, case in ipairs(file.cases) do
      if case.status == "failed" then
        list[#list + 1] = file.path .. ":" .. case.line .. ": " .. case.name
      end
    end
  end
  if #list < 2 then return end
  self:line(self:paint("31", "failed:"))
  for _, text in ipairs(list) do self:line("  " .. text) end
end

---The last lines of a run.
---@param files table[]
---@param total {passed: integer, failed: integer, skipped: integer}
function Console:close(files, total)
  list_failures(self, files)
  if total.failed > 0 then self:line("seed " .. self.seed) end
  local text = string.format("%d passed, %d failed", total.passed,
    total.failed)
  if total.skipped > 0 then text = text .. ", " .. total.skipped .. " skipped"
  end
  self:line(self:paint(total.failed > 0 and "1;31" or "1;32", text))
  io.stdout:flush()
end

return console
