--- The status of a commit on GitHub: a check mark, or a cross, beside it.
---
---     local status = notify.github_status { token = keys.GITHUB_TOKEN, context = "nightly" }
---     status:post { state = "pending", text = "building" }
---     status:post { color = "good", text = "uploaded", link = url }
---
--- POST /repos/{owner}/{repo}/statuses/{sha}, X-GitHub-Api-Version 2022-11-28. In a workflow of
--- Actions, repository, commit and GITHUB_TOKEN (permission `statuses: write`) are there already.

local arg = require "orch.arg"
local call = require "orch.notify.call"
local channels = require "orch.notify.channel"
local commit = require "orch.notify.commit"
local content = require "orch.notify.content"
local json = require "orch.json"
local place = require "orch.place"

local github = {}

local BASE, DESCRIPTION = "https://api.github.com", 140
local states = { pending = true, success = true, failure = true, error = true }

local function judge(response)
  if response.status < 300 then return nil end
  local ok, body = pcall(json.decode, response.body)
  local words = ok and type(body) == "table" and type(body.message) == "string" and body.message
  local limited = response.status == 403 and response.headers["x-ratelimit-remaining"] == "0"
    or response.status == 403 and response.headers["retry-after"] ~= nil
  local hint
  if response.status == 403 and not limited then
    hint = "the token needs the permission `statuses: write` (classic: repo:status)"
  elseif response.status == 404 then
    hint = "the repository, or a token that may see it"
  elseif response.status == 422 then
    hint = "has the commit been pushed?"
  end
  return { words = words or nil, hint = hint, kind = limited and "status" or nil,
    status = limited and 429 or nil }
end

--- For a pull request GITHUB_SHA is a merge that nobody looks at; the event names the commit whose
--- statuses are shown.
local function pull_request_head()
  local path = place.getenv "GITHUB_EVENT_PATH"
  local ok, event = pcall(json.load, path or "")
  local request = ok and type(event) == "table" and event.pull_request
  local head = type(request) == "table" and request.head
  return type(head) == "table" and type(head.sha) == "string" and head.sha or nil
end

local adapter = { service = "github", content = { state = "string" },
  no_files = "attach it to the workflow's run", known = { commit = true } }

function adapter.post(self, c)
  local state = commit.state(c)
  if not states[state] then
    arg.fail("notify.github_status: option `state` should be pending, success, failure or error, "
      .. "not %q", state)
  end
  self.commit = self.commit or commit.find("notify.github_status", pull_request_head(),
    { "GITHUB_SHA" })
  local response = call.request(self, "set the status of " .. self.commit:sub(1, 12), "POST",
    ("%s/repos/%s/statuses/%s"):format(self.base_url, self.repo, self.commit), {
      bearer = self.token,
      headers = { Accept = "application/vnd.github+json", ["X-GitHub-Api-Version"] = "2022-11-28" },
      json = { state = state, context = self.context,
        description = content.cut(content.line(c), DESCRIPTION),
        target_url = c.link and c.link.url },
    }, { judge = judge, again = true })
  return { service = "github", id = call.json(self, "set the status", response).id }
end

--- The same context again is what changes it.
function adapter.update(self, _, c)
  adapter.post(self, c)
end

---@class orch.notify.GithubStatusOptions: orch.notify.ChannelOptions
---@field token string? or GITHUB_TOKEN of the environment or `.env`
---@field repo string? "owner/name"; or GITHUB_REPOSITORY
---@field commit string? the full hash; or the head of the pull request that Actions work for, or
---  GITHUB_SHA, or HEAD of the repository here
---@field context string? what the status is called, "orch" unless you say
---@field base_url string? of GitHub Enterprise: https://host/api/v3; or GITHUB_API_URL

---@param opts orch.notify.GithubStatusOptions
---@return orch.notify.Channel
function github.new(opts)
  local fname = "notify.github_status"
  local o = channels.options(fname, opts, { token = "string", repo = "string", commit = "string",
    context = "string", base_url = "string" })
  o.repo = o.repo or place.getenv "GITHUB_REPOSITORY"
  if not o.repo or not o.repo:find "^[%w._-]+/[%w._-]+$" then
    arg.fail('%s: option `repo`, or GITHUB_REPOSITORY, should be "owner/name", not %s', fname,
      arg.describe(o.repo))
  end
  o.token = channels.token(fname, o.token, { "GITHUB_TOKEN" })
  o.commit = o.commit and commit.find(fname, o.commit)
  o.context = o.context or "orch"
  o.base_url = (o.base_url or place.getenv "GITHUB_API_URL" or BASE):gsub("/+$", "")
  o.few_updates = true -- a commit takes 1,000 statuses of a context
  return channels.new(adapter, o, "github " .. o.repo)
end

return github
