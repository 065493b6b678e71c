--- What all channels can do: post, update, reply, upload; and the messages they give back.
---
---     local message = chat:post { title = "Build", text = "started" }
---     message:update "done"
---     chat:message(orch.step("post", function() return chat:post "hello" end)):reply "bye"
---
--- A message is plain data, so that `orch.step` keeps it and a later process goes on with it
--- through `chat:message(kept)`. A service is a table of functions; what it cannot do is told.

local arg = require "orch.arg"
local content = require "orch.notify.content"

local channels = {}

---@class orch.notify.Channel
---@field service string "slack"
---@field name string for people: "slack #builds"
---@field can_update boolean whether a message can be changed once it is posted
---@field http table? options of its requests
---@field retry boolean|table|nil
---@field package adapter table
---@field package limit {not_before: number, careful_until: number} of the clock: what the service
---  has asked for
local Channel = { __name = "orch.notify.channel" }

local methods = {}

--- Fields that a channel may have, besides those of its adapter.
local private = { http = true, retry = true, few_updates = true }

Channel.__index = function(self, key)
  local method = methods[key]
  if method ~= nil or type(key) ~= "string" or private[key] then return method end
  local known = rawget(self, "adapter").known
  if known and known[key] then return nil end
  local near = arg.suggest(key, arg.keys_of(methods))
  arg.fail("a channel has no '%s'%s", key, near and ("; did you mean '%s'?"):format(near)
    or "; it has " .. table.concat(arg.keys_of(methods), ", "))
end

---@class orch.notify.Message plain data, and the methods
---@field service string
local Message = { __name = "orch.notify.message", __plain = true }
local of_message = {}
Message.__index = of_message

--- message -> its channel, beside the data.
local owners = setmetatable({}, { __mode = "k" })

local function attach(channel, handle)
  owners[handle] = channel
  return setmetatable(handle, Message)
end

local function check_self(self, name)
  if getmetatable(self) ~= Channel then
    arg.fail("channel:%s is called with a colon: chat:%s{...}, not chat.%s{...}", name, name, name)
  end
  return self.adapter
end

local function read(self, fname, value)
  return content.read(fname, value, self.adapter.content)
end

---Posts a message.
---@async
---@param value string|orch.notify.Content
---@return orch.notify.Message message raises `auth`, `rejected`, `network`, `timeout`, `status`
function methods:post(value)
  local adapter = check_self(self, "post")
  return attach(self, adapter.post(self, read(self, "chat:post", value)))
end

local function check_handle(self, fname, handle)
  arg.check(fname, 1, handle, "table")
  if handle.service ~= self.service then
    arg.fail("%s: this message is one of %s, and the channel is one of %s", fname,
      tostring(handle.service), self.service)
  end
  return handle
end

---The message of a handle that was kept as data.
---@param handle table
---@return orch.notify.Message
function methods:message(handle)
  check_self(self, "message")
  check_handle(self, "chat:message", handle)
  local copy = {}
  for key, value in next, handle do copy[key] = value end
  return attach(self, copy)
end

---Changes a message in place.
---@async
---@param handle orch.notify.Message|table
---@param value string|orch.notify.Content the whole new content
---@return orch.notify.Message
function methods:update(handle, value)
  local adapter = check_self(self, "update")
  check_handle(self, "chat:update", handle)
  if not self.can_update then
    arg.fail("%s cannot change a message once it is posted; %s", self.name,
      adapter.instead or "post another one")
  end
  adapter.update(self, handle, read(self, "message:update", value))
  return self:message(handle)
end

---Answers a message: in its thread, where the service has such; otherwise an ordinary one.
---@async
---@param handle orch.notify.Message|table
---@param value string|orch.notify.Content
---@return orch.notify.Message
function methods:reply(handle, value)
  local adapter = check_self(self, "reply")
  check_handle(self, "chat:reply", handle)
  local c = read(self, "message:reply", value)
  return attach(self, (adapter.reply or function() return adapter.post(self, c) end)(self, c,
    handle))
end

---@class orch.notify.Upload
---@field file orch.Path
---@field title string?
---@field comment string? a text beside it
---@field thread orch.notify.Message? Slack: in the thread of this message

---Sends a file.
---@async
---@param opts orch.notify.Upload
---@return orch.notify.Message message also raises kind `os`
function methods:upload(opts)
  local adapter = check_self(self, "upload")
  if not adapter.upload then
    arg.fail("%s takes no files; %s", self.name, adapter.no_files
      or "upload it elsewhere, and post the link")
  end
  local o = arg.options("chat:upload", opts,
    { file = "path", title = "string", comment = "string", thread = "table" })
  if not o.file then arg.fail 'chat:upload needs a file: chat:upload { file = "game.log" }' end
  if o.comment then o.comment = content.read("chat:upload", o.comment).text end
  local file = require("orch.http.body").file("chat:upload", o.file)
  o.path, o.size, o.name = file.path, file.size, o.file:match "[^/]*$"
  if o.size == 0 then arg.fail("chat:upload: '%s' is empty", o.file) end
  return attach(self, adapter.upload(self, o))
end

function of_message:update(value)
  return owners[self]:update(self, value)
end

function of_message:reply(value)
  return owners[self]:reply(self, value)
end

--- What every channel can be told.
local shared = { http = "table", retry = "boolean|table", name = "string" }

---@class orch.notify.ChannelOptions
---@field http orch.http.SharedOptions? ca, proxy, timeout, ...
---@field retry boolean|orch.RetryOptions|nil false: one attempt; default: 4
---@field name string? what it is called in warnings

---Checks what a channel is made of.
---@param fname string
---@param opts table?
---@param more table<string, string>
---@return table
function channels.options(fname, opts, more)
  local spec = {}
  for name, types in next, shared do spec[name] = types end
  for name, types in next, more do spec[name] = types end
  if type(opts) ~= "table" then arg.fail("%s takes one table: %s { ... }", fname, fname) end
  return arg.options(fname, opts, spec)
end

---@param adapter table `service`, `post(channel, content)`, and what else it can do: `update`,
---  `reply`, `upload`
---@param o table the channel's options and whatever the adapter keeps; becomes the channel
---@param name string
---@return orch.notify.Channel
function channels.new(adapter, o, name)
  o.adapter, o.service = adapter, adapter.service
  o.name = o.name or name
  if o.can_update == nil then o.can_update = adapter.update ~= nil end
  o.limit = { not_before = 0, careful_until = 0 } -- shared with the copies
  return setmetatable(o, Channel)
end

---The same channel for those who have a plan of their own: other attempts, or one at a time.
---@param channel orch.notify.Channel
---@param retry table|false
---@return orch.notify.Channel
function channels.with_retry(channel, retry)
  local copy = {}
  for key, value in next, channel do copy[key] = value end
  copy.retry = retry
  return setmetatable(copy, Channel)
end

---The URL of a webhook, which is masked from now on.
---@param fname string
---@param url string
---@return string
function channels.secret_url(fname, url)
  local urls, secrets = require "orch.http.url", require "orch.secrets"
  local _, user, _, rest = urls.split(url)
  if user ~= "" then secrets.cover(user:match ":(.+)$" or user) end
  local path, query = rest:match "^([^?#]*)%??([^#]*)"
  for part in path:gmatch "[^/]+" do -- words such as "hooks" are no secret
    if #part >= 16 then secrets.cover(urls.decode(part)) end
  end
  for key, value in query:gmatch "([^&=]+)=([^&]*)" do
    if urls.is_secret(key) then secrets.cover(urls.decode(value)) end
  end
  return (urls.check(fname, url))
end

---A token: the option, or what the environment or `.env` has.
---@param fname string
---@param option string?
---@param names string[] of variables
---@return string token
function channels.token(fname, option, names)
  local secrets = require "orch.secrets"
  if option then
    if option:find "%c" or option == "" then
      arg.fail("%s: option `token` has a line end in it, or is empty", fname)
    end
    secrets.cover(option)
    return option
  end
  for _, name in ipairs(names) do
    local found = secrets.find(name)
    if found then return found end
  end
  arg.fail("%s: there is no token; set %s in the environment or in a .env file, or give `token`",
    fname, names[1])
end

---@param value any
---@return boolean
function channels.is(value)
  return getmetatable(value) == Channel
end

---A channel, or a list of them.
---@param fname string
---@param value any
---@return orch.notify.Channel[]
function channels.list(fname, value)
  if channels.is(value) then return { value } end
  if type(value) ~= "table" then
    arg.fail("%s: argument 1 should be a channel such as notify.slack { ... }, or a list of them, "
      .. "not %s", fname, arg.describe(value))
  end
  local list = {}
  for i, channel in ipairs(value) do
    if not channels.is(channel) then
      arg.fail("%s: item %d should be a channel such as notify.slack { ... }, not %s", fname, i,
        arg.describe(channel))
    end
    list[i] = channel
  end
  if #list == 0 then arg.fail("%s: no channel is given; they come first: %s(chat, { ... })",
    fname, fname) end
  return list
end

return channels
