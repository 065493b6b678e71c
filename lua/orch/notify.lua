--- Telling people: chats, mail, commit statuses, a message that follows a run.
---
---     local chat = orch.notify.slack { token = keys.SLACK_BOT_TOKEN, channel = "C024BE91L" }
---     local message = chat:post { title = "Nightly build", text = "started", color = "good" }
---     message:update { title = "Nightly build", text = "uploaded", link = store_url }
---
--- `slack`, `discord`, `teams`, `webhook`, `email`, `github_status` and `gitlab_status` make
--- channels, which have the same methods (notify/channel.lua). Called directly they raise the
--- kinds `auth`, `rejected`, `network`, `timeout` and `status`; `live`, `follow` and `at_end`
--- never do.

local arg = require "orch.arg"

--- field -> {module, field of the module}
local fields = {
  slack = { "slack", "new" }, discord = { "discord", "new" }, teams = { "teams", "new" },
  webhook = { "webhook", "new" }, verify = { "webhook", "verify" }, email = { "email", "new" },
  github_status = { "github_status", "new" }, gitlab_status = { "gitlab_status", "new" },
  live = { "live", "open" }, follow = { "at_end", "follow" }, at_end = { "at_end", "at_end" },
  summary = { "summary", "summary" },
}

---@class orch.notify
---@field slack fun(opts: orch.notify.SlackOptions): orch.notify.Channel
---@field discord fun(opts: orch.notify.DiscordOptions): orch.notify.Channel
---@field teams fun(opts: orch.notify.TeamsOptions): orch.notify.Channel
---@field webhook fun(opts: orch.notify.WebhookOptions): orch.notify.Channel
---@field verify fun(request: {headers: table, body: string}, opts: table): table
---@field email fun(opts: orch.notify.EmailOptions): orch.notify.Channel
---@field github_status fun(opts: orch.notify.GithubStatusOptions): orch.notify.Channel
---@field gitlab_status fun(opts: orch.notify.GitlabStatusOptions): orch.notify.Channel
---@field live fun(channels: orch.notify.Channel|orch.notify.Channel[], opts: orch.notify.LiveOptions?): orch.notify.Live
---@field follow fun(channels: orch.notify.Channel|orch.notify.Channel[], opts: orch.notify.LiveOptions?)
---@field at_end fun(channels: orch.notify.Channel|orch.notify.Channel[], opts: orch.notify.AtEndOptions?)
---@field summary async fun(opts: orch.notify.SummaryOptions?): orch.notify.Content
local notify = {}

return setmetatable(notify, {
  __index = function(_, name)
    if type(name) ~= "string" then return nil end
    local entry = fields[name]
    if not entry then
      local near = arg.suggest(name, arg.keys_of(fields))
      arg.fail("orch.notify has no '%s'%s", name, near and ("; did you mean '%s'?"):format(near)
        or "; it has " .. table.concat(arg.keys_of(fields), ", "))
    end
    local value = require("orch.notify." .. entry[1])[entry[2]]
    rawset(notify, name, value)
    return value
  end,
  __pairs = function()
    local names, i = arg.keys_of(fields), 0
    return function()
      i = i + 1
      if names[i] then return names[i], notify[names[i]] end
    end
  end,
})
