--- The files that somebody is working on, for `orch check --changed`: git or Perforce is
--- asked. What has been removed is not among them.
---
---     local found = changed.files("/work/game", { against = "main" })
---     for _, path in ipairs(found.files) do print(path) end
---
--- `--staged` names what the next commit has; looked at is what is on the disk. Where the
--- two differ, `found.differing` says so.

local arg = require "orch.arg"
local process = require "orch.process"

local changed = {}

---@class orch.check.Changed
---@field files string[] relative to the folder, sorted
---@field differing string[] staged, and changed again since
---@field what string for a sentence: "since HEAD"

local function git(folder, ...)
  return process.run { "git", "--no-optional-locks", cwd = folder, check = false, ... }
end

--- What git says goes wrong, on one line.
local function reason(result)
  local line = result.stderr:match "fatal: ([^\n]+)" or result.stderr:match "[^\n]+"
  return line or "git ended with exit code " .. tostring(result.exit_code or result.signal)
end

local function need(folder, ...)
  local result = git(folder, ...)
  if not result.ok then arg.fail("git cannot tell what has changed: %s", reason(result)) end
  return result.stdout
end

local function need_repository(folder, flag)
  if not process.which "git" then
    arg.fail("%s asks git, which is not installed here; name the files instead: orch check PATH",
      flag)
  end
  local result = git(folder, "rev-parse", "--is-inside-work-tree")
  if result.ok and result.stdout:find "true" then return end
  if result.stderr:find "dubious ownership" then arg.fail("%s: %s", flag, reason(result)) end
  arg.fail("%s asks git, and '%s' is in no repository of git; name the files instead: "
    .. "orch check PATH", flag, folder)
end

local function commit(folder, name)
  local result = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options",
    name .. "^{commit}")
  return result.ok and result.stdout:match "%x+" or nil
end

--- Names end with NUL. A name that ends with a slash is a repository within this one.
local function add_names(set, text)
  for name in text:gmatch "([^\0]+)\0" do
    if name:sub(-1) ~= "/" then set[name] = true end
  end
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local DIFF = { "diff", "--name-only", "-z", "--relative", "--no-ext-diff", "--no-renames",
  "--ignore-submodules=all" }

local function diff(folder, ...)
  local words = table.move(DIFF, 1, #DIFF, 1, {})
  for _, word in ipairs { ... } do words[#words + 1] = word end
  return need(folder, table.unpack(words))
end

--- Where HEAD and another branch went apart, so that the work of others is not in it.
local function base_of(folder, against)
  local hash = commit(folder, against)
  if not hash then
    arg.fail("--changed=%s: git knows no '%s' (a copy that CI has made is often without other "
      .. "branches: fetch it first)", against, against)
  end
  local result = git(folder, "merge-base", hash, "HEAD")
  local base = result.ok and result.stdout:match "%x+"
  if not base then
    arg.fail("--changed=%s: git finds no commit that '%s' and HEAD have in common (a shallow "
      .. "copy? fetch more of it)", against, against)
  end
  return base
end

local function on_disk(folder, set)
  local fs = require "orch.fs"
  for name in pairs(set) do
    if not fs.exists(folder .. "/" .. name, { follow = false }) then set[name] = nil end
  end
end

local function of_git(folder, against)
  need_repository(folder, "--changed")
  local set, base = {}, against and base_of(folder, against) or commit(folder, "HEAD")
  if base then
    add_names(set, diff(folder, "--diff-filter=d", base))
  else -- before the first commit
    add_names(set, need(folder, "ls-files", "-z", "--cached"))
    on_disk(folder, set)
  end
  add_names(set, need(folder, "ls-files", "-z", "--others", "--exclude-standard"))
  return { files = sorted(set), differing = {}, what = "since " .. (against or "HEAD") }
end

local function of_index(folder)
  need_repository(folder, "--staged")
  local staged, touched, differing = {}, {}, {}
  add_names(staged, diff(folder, "--cached", "--diff-filter=d"))
  add_names(touched, diff(folder))
  for name in pairs(touched) do differing[name] = staged[name] end
  on_disk(folder, staged)
  return { files = sorted(staged), differing = sorted(differing), what = "staged" }
end

--- `p4 fstat` gives paths of this machine; `p4 opened` those of the server.
local function of_perforce(folder)
  if not process.which "p4" then
    arg.fail "--changed=p4 asks Perforce, and there is no p4 in PATH"
  end
  local result = process.run { "p4", "fstat", "-Ro", "-T", "clientFile,action", "...",
    cwd = folder, check = false }
  local none = result.stderr:find "not opened" or result.stderr:find "no such file"
  if not result.ok and not none then
    arg.fail("p4 cannot tell what is open: %s", result.stderr:match "[^\n]+"
      or "exit code " .. tostring(result.exit_code or result.signal))
  end
  local set, file = {}, nil
  for field, value in result.stdout:gmatch "%.%.%. (%w+) ([^\r\n]*)" do
    if field == "clientFile" then
      file = value
    elseif field == "action" and file and not value:find "delete" then
      set[file] = true
    end
  end
  local list = {}
  for _, path in ipairs(sorted(set)) do
    if path:sub(1, #folder + 1) == folder .. "/" then list[#list + 1] = path:sub(#folder + 2) end
  end
  return { files = list, differing = {}, what = "open in Perforce" }
end

---@async
---@param folder string the project's, absolute
---@param how {staged: boolean?, against: string?} `against`: "git" (the default), "p4", or a
---  commit of git: what has changed since it and HEAD went apart
---@return orch.check.Changed found raises kind `usage`
function changed.files(folder, how)
  if how.staged then return of_index(folder) end
  if how.against == "p4" then return of_perforce(folder) end
  return of_git(folder, how.against ~= "git" and how.against or nil)
end

return changed
