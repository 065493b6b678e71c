-- `orch history`: the runs of the project, the latest first.

local command = require "orch.cli.command"
local layout = require "orch.cli.table"
local text = require "orch.report.text"

local LIMIT = 20
local WIDE = 100 -- columns from which there is room for dates

local MINUTE, HOUR, DAY = 60, 3600, 86400

local function ago(started)
  local seconds = os.time() - started
  if seconds < MINUTE then return "just now" end
  if seconds < HOUR then return ("%dm ago"):format(seconds // MINUTE) end
  if seconds < DAY then return ("%dh ago"):format(seconds // HOUR) end
  return ("%dd ago"):format(seconds // DAY)
end

local function when(started)
  if not started then return "" end
  if (layout.width() or WIDE) < WIDE then return ago(started) end
  return os.date("%Y-%m-%d %H:%M", math.floor(started))
end

local function asked_for(run)
  local words = { run.script }
  for _, word in ipairs(run.args) do words[#words + 1] = word end
  return table.concat(words, " ")
end

local function count(n, style)
  return n > 0 and style and { tostring(n), style } or tostring(n)
end

local function row_of(run)
  return {
    run.id, when(run.started), layout.status(run.status), text.duration(run.elapsed),
    count(run.ok), count(run.skipped), count(run.failed, "red"), asked_for(run),
  }
end

local columns = {
  { "RUN" }, { "WHEN" }, { "STATUS" }, { "TIME", right = true }, { "OK", right = true },
  { "SKIP", right = true }, { "FAIL", right = true }, { "ASKED", flexible = true },
}

local function row_of_job(run)
  return {
    run.id, when(run.started), layout.status(run.status), layout.status(run.job.state),
    text.duration(run.job.elapsed), asked_for(run),
  }
end

local columns_of_job = {
  { "RUN" }, { "WHEN" }, { "STATUS" }, { "JOB" }, { "ITS TIME", right = true },
  { "ASKED", flexible = true },
}

local function json_of(runs)
  local json = require "orch.json"
  for _, run in ipairs(runs) do run.args = json.array(run.args) end
  return json.array(runs)
end

local function nothing(p, asked)
  local what = asked.failed and "no run has failed" or "nothing has run"
  if asked.job then
    what = ("no run %s job '%s'"):format(asked.failed and "failed in" or "had", asked.job)
  end
  print(("%s in '%s' yet"):format(what, p.folder))
end

---@async
return command.new("history", {}, function(asked, p)
  local limit = command.integer("--limit", asked.limit, 1) or LIMIT
  local runs = require("orch.pipeline.history").list(p,
    { limit = limit, failed = asked.failed, job = asked.job })
  if asked.json then return command.print_json(json_of(runs)) end
  if #runs == 0 then return nothing(p, asked) end
  local rows = {}
  for i, run in ipairs(runs) do rows[i] = run.job and row_of_job(run) or row_of(run) end
  command.write(layout.render(asked.job and columns_of_job or columns, rows))
end)
