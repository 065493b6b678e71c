--- The commit that a status is about, and the state of one.
---
---     commit.find("notify.github_status", nil, { "GITHUB_SHA" })   --> "4f2c..."

local arg = require "orch.arg"
local place = require "orch.place"

local commit = {}

local SHA = "^%x+$"

local function check(fname, sha)
  if sha:find(SHA) and (#sha == 40 or #sha == 64) then return sha:lower() end
  arg.fail("%s: %s is no commit: the full hash is wanted, 40 digits", fname, arg.describe(sha))
end

local function ask_git(fname)
  local process = require "orch.process"
  local ok, result = pcall(process.run, { "git", "rev-parse", "HEAD", check = false,
    timeout = "10s" })
  local sha = ok and result.ok and result.stdout:match "^(%x+)%s*$"
  return sha or arg.fail("%s: this is no git repository with a commit; give `commit`", fname)
end

---@async
---@param fname string
---@param given string?
---@param names string[] variables of CI systems
---@return string sha
function commit.find(fname, given, names)
  if given then return check(fname, given) end
  for _, name in ipairs(names) do
    local sha = place.getenv(name)
    if sha and sha ~= "" then return check(fname, sha) end
  end
  return ask_git(fname)
end

local by_color = { good = "success", warning = "success", danger = "failure" }

---@param c orch.notify.Content
---@return "pending"|"success"|"failure"|"error"|string
function commit.state(c)
  return c.state or by_color[c.color] or "pending"
end

return commit
