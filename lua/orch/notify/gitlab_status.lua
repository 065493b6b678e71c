--- The status of a commit on GitLab: a job of another system in its pipeline.
---
---     local status = notify.gitlab_status { token = keys.GITLAB_TOKEN, project = "studio/game" }
---     status:post { state = "running", text = "building" }
---
--- POST /api/v4/projects/:id/statuses/:sha. The token needs the scope `api`; the CI_JOB_TOKEN of
--- a job may not set statuses.

local arg = require "orch.arg"
local call = require "orch.notify.call"
local channels = require "orch.notify.channel"
local commit = require "orch.notify.commit"
local content = require "orch.notify.content"
local json = require "orch.json"
local place = require "orch.place"
local urls = require "orch.http.url"

local gitlab = {}

local BASE, DESCRIPTION = "https://gitlab.com/api/v4", 140 -- GitLab takes 255
local states = { pending = "pending", running = "running", success = "success",
  failure = "failed", error = "failed", failed = "failed", canceled = "canceled",
  skipped = "skipped" }

--- { message = "..." }, { message = { state = { "..." } } } or { error = "..." }.
local function words_of(body)
  local said = body.message or body.error_description or body.error
  if type(said) == "table" then return json.encode(said, { sorted = true }) end
  return type(said) == "string" and said or nil
end

--- By GitLab's event: the states in which nothing is left to do.
local there = {
  enqueue = { pending = true, running = true }, run = { running = true },
  success = { success = true }, drop = { failed = true }, cancel = { canceled = true },
  skip = { skipped = true },
}

local function is_there_already(words)
  local event, from = words:match "Cannot transition status via :(%a+) from :(%a+)"
  return event ~= nil and there[event] ~= nil and there[event][from] == true
end

local function judge(response)
  if response.status < 300 then return nil end
  local ok, body = pcall(json.decode, response.body)
  local words = ok and type(body) == "table" and words_of(body) or nil
  if response.status == 400 and words and is_there_already(words) then return false end
  return { words = words, hint = response.status == 403 and "the token needs the scope `api`"
    or response.status == 404 and "the project, the commit, or a token that may see them" or nil }
end

local adapter = { service = "gitlab", content = { state = "string" },
  no_files = "keep it as an artifact of the job", known = { commit = true, ref = true } }

function adapter.post(self, c)
  local state = states[commit.state(c)]
  if not state then
    arg.fail("notify.gitlab_status: option `state` should be %s, not %q",
      table.concat(arg.keys_of(states), ", "), c.state)
  end
  self.commit = self.commit or commit.find("notify.gitlab_status", nil, { "CI_COMMIT_SHA" })
  local response = call.request(self, "set the status of " .. self.commit:sub(1, 12), "POST",
    ("%s/projects/%s/statuses/%s"):format(self.base_url, urls.encode(self.project), self.commit), {
      headers = { ["PRIVATE-TOKEN"] = self.token }, secret_headers = { "PRIVATE-TOKEN" },
      json = { state = state, name = self.context, ref = self.ref,
        description = content.cut(content.line(c), DESCRIPTION),
        target_url = c.link and c.link.url },
    }, { judge = judge, again = true })
  return { service = "gitlab", id = call.json(self, "set the status", response).id }
end

function adapter.update(self, _, c)
  adapter.post(self, c)
end

---@class orch.notify.GitlabStatusOptions: orch.notify.ChannelOptions
---@field token string? with the scope `api`; or GITLAB_TOKEN of the environment or `.env`
---@field project string|integer|nil "group/name" or its number; or CI_PROJECT_ID
---@field commit string? the full hash; or CI_COMMIT_SHA, or HEAD of the repository here
---@field context string? the name of the job that is shown, "orch" unless you say
---@field ref string? the branch, where a commit is on several; or CI_COMMIT_REF_NAME
---@field base_url string? https://host/api/v4; or CI_API_V4_URL

---@param opts orch.notify.GitlabStatusOptions
---@return orch.notify.Channel
function gitlab.new(opts)
  local fname = "notify.gitlab_status"
  local o = channels.options(fname, opts, { token = "string", project = "string|integer",
    commit = "string", context = "string", ref = "string", base_url = "string" })
  o.project = tostring(o.project or place.getenv "CI_PROJECT_ID" or "")
  if o.project == "" then arg.fail("%s needs `project`, such as \"group/name\"", fname) end
  o.token = channels.token(fname, o.token, { "GITLAB_TOKEN" })
  o.commit = o.commit and commit.find(fname, o.commit)
  o.ref = o.ref or place.getenv "CI_COMMIT_REF_NAME"
  o.context = o.context or "orch"
  o.base_url = (o.base_url or place.getenv "CI_API_V4_URL" or BASE):gsub("/+$", "")
  o.few_updates = true
  return channels.new(adapter, o, "gitlab " .. o.project)
end

return gitlab
