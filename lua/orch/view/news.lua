--- What is worth a line that stays: jobs that ended, retries, cancellations, warnings.
---
---     local item = news.of(record, job)
---     -- { word = "fail", what = "bad", name = "build:ios", detail = "3.2s  exit 1" }

local show = require "orch.view.show"
local text = require "orch.view.text"

local news = {}

---@class orch.ViewNews
---@field word "ok"|"fail"|"retry"|"cancel"|"skip"|"warn"|"error"|"note"
---@field what string how it is painted
---@field name string?
---@field detail string

local looks = {
  ok = "good", fail = "bad", retry = "warn", cancel = "warn", skip = "dim", warn = "warn",
  error = "bad",
}

---@return orch.ViewNews
function news.item(word, name, detail)
  return { word = word, what = looks[word], name = name, detail = detail }
end

---@param because string? "build:ios failed"
---@return string reason behind the word "cancelled"
function news.because(because)
  return because and "because " .. text.line(because) or "with the run"
end

local endings = {}

function endings.ok(record, job)
  return news.item("ok", job.name, show.seconds(record.elapsed or job.elapsed or 0))
end

function endings.failed(record, job)
  local reason = show.failure(record.error)
  if not record.elapsed then return news.item("fail", job.name, reason) end
  return news.item("fail", job.name, show.seconds(record.elapsed) .. "  " .. reason)
end

function endings.cancelled(record, job)
  local time = record.elapsed and show.seconds(record.elapsed) .. "  " or ""
  return news.item("cancel", job.name, time .. news.because(record.because))
end

local of = {}

function of.job_end(record, job)
  return (endings[record.status] or endings.failed)(record, job)
end

function of.job_retry(record, job)
  return news.item("retry", job.name, ("%s%s; attempt %d in %s"):format(
    record.elapsed and show.seconds(record.elapsed) .. "  " or "", show.failure(record.error),
    (record.attempt or 1) + 1, show.whole(math.ceil(record.delay or 0))))
end

--- Of messages only those that somebody should look at.
function of.message(record, job)
  if record.level == "warn" or record.level == "error" then
    return news.item(record.level, job.name, text.line(record.text or ""))
  end
end

---@param record table that the model has applied already
---@param job orch.RunJob?
---@return orch.ViewNews? item
function news.of(record, job)
  local make = job and of[record.event]
  return make and make(record, job)
end

---Puts a job that was never started where many of its kind are counted.
---@param record table
---@param crowd orch.ViewCrowd
---@return boolean taken
function news.is_one_of_many(record, crowd)
  local event = record.event
  local skipped = event == "job_skip" and (record.reason or "up to date")
    or event == "job" and record.skip
  if skipped then
    crowd:add("skip", tostring(skipped), record.job)
  elseif event == "job_end" and record.status == "cancelled" and not record.attempt then
    crowd:add("cancel", news.because(record.because), record.job)
  else
    return false
  end
  return true
end

return news
