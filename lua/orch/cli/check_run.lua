-- What `orch check` does: rules and files are found, what a person asked for is done, and the
-- exit code says how it went.

local arg = require "orch.arg"
local changed = require "orch.check.changed"
local fs = require "orch.fs"
local place = require "orch.place"
local project = require "orch.check.project"
local reviews = require "orch.check.review"
local say = require "orch.check.report.say"
local write = require("orch.cli.command").write

local EXIT_OK, EXIT_FOUND = 0, 4
local NAMED = 3 -- files in a message

local ranks = { info = 1, warning = 2, error = 3, never = 4 }

local function tell(text, ...)
  io.stderr:write("orch: ", text:format(...), "\n")
end

-- ---- what is asked for ----

--- As findings name them: relative to the project where they are in it.
local function rule_paths(folder, words)
  if not words then return nil end
  local list = {}
  for i, word in ipairs(words) do
    local relative = fs.path.relative(word, folder)
    list[i] = relative:find "^%.%./" and fs.path.absolute(word) or relative
  end
  return list
end

local function first_of(names)
  local shown = {}
  for i = 1, math.min(#names, NAMED) do shown[i] = say.name(names[i]) end
  local rest = #names - #shown
  return table.concat(shown, ", ") .. (rest > 0 and (" and %d more"):format(rest) or "")
end

local function changed_files(asked, folder, paths)
  if not (asked.changed or asked.staged) then return nil end
  local found = changed.files(folder, { staged = asked.staged,
    against = asked.changed ~= true and asked.changed or nil })
  if #found.differing > 0 then
    tell("%s from what is staged, and what is on the disk is checked: %s",
      #found.differing == 1 and "one staged file differs"
        or #found.differing .. " staged files differ", first_of(found.differing))
  end
  if not paths then return found.files end
  local wanted, list = require("orch.check.select").matcher(paths), {}
  for _, path in ipairs(found.files) do
    if wanted(path) then list[#list + 1] = path end
  end
  return list
end

local function baseline_of(asked)
  if asked.no_baseline then return false end
  return type(asked.baseline) == "string" and fs.path.absolute(asked.baseline) or nil
end

local function review_of(asked, folder)
  local paths = project.paths(folder, asked)
  return reviews.new {
    folder = folder, paths = paths, files = changed_files(asked, folder, paths),
    rules = rule_paths(folder, asked.rules), only = asked.rule, jobs = asked.jobs,
    cache = not asked.no_cache, baseline = baseline_of(asked),
  }
end

--- --baseline insists on one, except where it is about to be made.
local function check_baseline(asked, review)
  if asked.update_baseline then
    review.remake, review.made = true, review.baseline
      or require("orch.check.baseline").path(review.folder)
    if not fs.exists(review.made) then review.baseline = nil end
  elseif asked.baseline == true then
    review.baseline = require("orch.check.baseline").path(review.folder)
  end
end

-- ---- what it says besides the findings ----

local function tell_recovered(folder)
  for _, one in ipairs(require("orch.check.undo").recover(folder)) do
    if one.conflicts[1] then
      tell("warning: a fix of '%s' was broken off, and '%s' was changed since: it stays as it "
        .. "is, and the original is in %s", say.name(one.path), say.name(one.conflicts[1]),
        one.kept)
    else
      tell("a fix of '%s' was broken off: the original is back", say.name(one.path))
    end
  end
end

local function tell_of(result)
  if result.warning then tell("warning: %s", result.warning) end
  local stale = result.baseline_stale or 0
  if stale > 0 then
    tell("%s of the baseline %s not found any more: orch check --update-baseline forgets %s",
      say.count(stale, "entry", "entries"), stale == 1 and "is" or "are",
      stale == 1 and "it" or "them")
  end
end

local function exit_code(asked, counts)
  for severity, rank in pairs(ranks) do
    if rank >= ranks[asked.fail_on] and (counts[severity] or 0) > 0 then return EXIT_FOUND end
  end
  return EXIT_OK
end

-- ---- what it does ----

local function update_baseline(review)
  local change = require("orch.check.baseline").update(review.made, review.all, review:scope(),
    review.known)
  tell("%s: %s known, %d added, %d removed", fs.path.relative(review.made, place.cwd()),
    say.count(change.total, "finding"), change.added, change.removed)
  return EXIT_OK
end

--- One look, with a line about how far it is on a terminal.
local function look(review, outputs)
  local live = require "orch.check.report.live"
  local view <close> = outputs:is_for_people() and live.open() or nil
  return review:run(view)
end

local function mend(asked, review, outputs)
  local fixes = require "orch.check.fix"
  local result = fixes.run { folder = review.folder, ruleset = review.ruleset,
    unsafe = asked.unsafe, jobs = asked.jobs,
    check = function() return look(review, outputs) end,
    on_created = function(paths) review:add_files(paths) end,
    progress = outputs:is_for_people() and "mending" or nil }
  require("orch.check.fix_told").write(result, outputs:is_for_people() and write or tell)
  return result
end

--- What is fixed is fixed on the disk: until it is staged, the next commit has it as it was.
local function count_unstaged(folder, result)
  local differing, names, counts = {}, {}, {}
  for _, path in ipairs(changed.files(folder, { staged = true }).differing) do
    differing[path] = true
  end
  for _, one in ipairs(result.fixed) do
    if differing[one.path] then
      counts[one.severity] = (counts[one.severity] or 0) + 1
      if not names[one.path] then names[one.path], names[#names + 1] = true, one.path end
    end
  end
  if #names > 0 then
    tell("the next commit has %s as before the fix; to stage what is fixed: git add %s",
      #names == 1 and "a file" or #names .. " files", first_of(names))
  end
  return counts
end

--- A slip of the pen in a glob must not look like a project where all is well.
local function complain_of_globs(review)
  for _, path in ipairs(review.paths or {}) do
    if path:find "[*?%[{]" and not fs.glob(path, { cwd = review.folder })[1] then
      arg.fail("no file matches '%s'", say.name(path))
    end
  end
end

local function check(asked, review, outputs, words)
  local result, unstaged
  if asked.fix then
    result = mend(asked, review, outputs)
    unstaged = asked.staged and count_unstaged(review.folder, result)
  else
    result = look(review, outputs)
  end
  if asked.diff then
    result = require "orch.check.fix_diff" { review = review, result = result,
      unsafe = asked.unsafe, write = outputs:is_for_people() and write or nil }
  end
  if result.files == 0 then complain_of_globs(review) end
  tell_of(result)
  if asked.diff and outputs:is_for_people() then
    write(require("orch.check.report.summary").counts(result) .. "\n")
    outputs:quiet()
  end
  outputs:write(result, { all = asked.all, paths = words, at = asked.folder,
    fail_on = asked.fail_on, write = write })
  return math.max(exit_code(asked, result.counts), exit_code(asked, unstaged or {}))
end

local function undo(asked, folder)
  local command = require "orch.cli.check_undo"
  if asked.list then return command.list(folder, asked.json) end
  return command.run(folder, asked)
end

local function describe(asked, review)
  review.baseline = false
  review:load()
  if asked.list then
    return require "orch.cli.check_list"(review, asked)
  end
  return require "orch.cli.check_explain"(review.ruleset, asked.explain)
end

---@async
---@param asked table the words, by orch.cli.options
---@return integer exit_code
return function(asked)
  local words = table.move(asked, 1, #asked, 1, {})
  local folder, at = project.find(not asked.undo and words or {})
  if asked.undo then return undo(asked, folder) end
  if at then asked.folder, words = asked.folder and asked.folder .. "/" .. at or at, {} end
  local outputs = not (asked.list or asked.explain)
    and require("orch.check.outputs").plan(asked) or nil
  local review = review_of(asked, folder)
  if folder ~= place.cwd() and not asked.explain and not asked.list then
    tell("paths are relative to %s", folder)
  end
  if asked.html and asked.html ~= "-" then asked.html = fs.path.absolute(asked.html) end
  local _ <close> = place.cd(folder)
  if not outputs then return describe(asked, review) end
  tell_recovered(folder)
  if asked.watch then
    return require("orch.check.watch").run(review, outputs, { words = words, at = asked.folder,
      all = asked.all, write = write })
  end
  check_baseline(asked, review)
  review:load()
  if review.files and #review.files == 0 then
    tell("nothing has changed %s: there is nothing to check", asked.staged and "in the index"
      or asked.changed == "p4" and "in Perforce" or "here")
  end
  if asked.update_baseline then
    look(review, outputs)
    return update_baseline(review)
  end
  return check(asked, review, outputs, words)
end
