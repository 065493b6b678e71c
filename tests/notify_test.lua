-- Channels of orch.notify: what each service gets, and what is said when it refuses.

local fs, json, notify = orch.fs, orch.json, orch.notify
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"

local function store_of(name, o)
  return dofile(("%s/stores/%s.lua"):format(here, name)).start(o)
end

local FAST = { attempts = 3, base = 0.001, jitter = "none" }

local function bot(store, more)
  local o = { token = store.token, channel = "C024BE91L", base_url = store.url .. "/api",
    retry = FAST }
  for key, value in pairs(more or {}) do o[key] = value end
  return notify.slack(o)
end

describe("notify.slack with a bot's token", function()
  it("posts, changes in place, and answers in the thread", function()
    local store <close> = store_of "slack"
    local chat = bot(store)
    local message = chat:post "3 < 4 & <!channel>"
    expect(store.messages[1].text):equals "3 &lt; 4 &amp; &lt;!channel&gt;"
    message:update { title = "Build", text = "done", color = "good",
      fields = { { "Platform", "iOS" } }, link = { url = "https://host/a?b=1&c=2", text = "log" } }
    local got = store.messages[1]
    expect(got.edits):equals(1)
    expect(got.attachments[1].color):equals "#2eb67d"
    expect(json.encode(got.attachments)):contains "<https://host/a?b=1&amp;c=2|log>"
    expect(got.text):equals "Build"
    message:reply "thanks"
    expect(store.messages[2].thread_ts):equals(got.ts)
    message:update "plain again"
    expect(#got.attachments):equals(0)
    expect(got.text):equals "plain again"
  end)

  it("gives messages that are plain data, and takes them back", function()
    local store <close> = store_of "slack"
    local chat = bot(store)
    local kept = json.encode(chat:post "one", { sorted = true })
    expect(kept):equals('{"channel":"C024BE91L","service":"slack","ts":"1790000000.000001"}')
    bot(store):message(json.decode(kept)):update "two"
    expect(store.messages[1].text):equals "two"
    local err = expect(function() chat:message { service = "discord", id = "1" } end):raises "usage"
    expect(err.message):contains "this message is one of discord"
  end)

  it("passes blocks and markup through", function()
    local store <close> = store_of "slack"
    local chat = bot(store)
    chat:post { text = "for notifications", blocks = { { type = "divider" } } }
    expect(store.messages[1].blocks):equals { { type = "divider" } }
    chat:post { text = "<https://host|here>", markup = true }
    expect(store.messages[2].text):equals "<https://host|here>"
    local many = {}
    for i = 1, 51 do many[i] = { type = "divider" } end
    expect(function() chat:post { blocks = many } end):raises "usage"
  end)

  it("cuts what is too long, at whole characters and entities", function()
    local store <close> = store_of "slack"
    local chat = bot(store)
    chat:post(("ä&"):rep(30000))
    expect(utf8.len(store.messages[1].text)):less_than(40001)
    expect(store.messages[1].text):matches "…$"
    expect(store.messages[1].text).never:matches "&%a*…$"
    chat:post { title = ("t"):rep(500), text = ("<line>\n"):rep(5000),
      fields = { { "long", ("x"):rep(9000) } } }
    expect(#store.messages):equals(2)
  end)

  it("keeps code as code where a text is broken or cut", function()
    local store <close> = store_of "slack"
    local discord <close> = store_of "discord"
    local chats = { bot(store), notify.discord { webhook = discord.webhook } }
    local function is_closed(text)
      local _, fences = text:gsub("```", "")
      return fences % 2 == 0
    end
    for lines = 200, 1400, 61 do
      for _, chat in ipairs(chats) do
        chat:post { title = "Log", color = "danger",
          text = "Its end:\n```\n" .. ("ä <log>\n"):rep(lines) .. "```\nand more: ```x```" }
      end
    end
    for _, message in ipairs(store.messages) do
      for _, block in ipairs(message.attachments[1].blocks) do
        expect(is_closed(block.text.text)):equals(true)
      end
    end
    for _, message in ipairs(discord.messages) do
      expect(is_closed(message.embeds[1].description)):equals(true)
    end
    expect(#store.messages[20].attachments[1].blocks):equals(4)
  end)

  it("sends a file in three steps, byte for byte", function()
    local store <close> = store_of "slack"
    local path = test.temp_dir() .. "/über \"x\".log"
    local bytes = ("\0\255line\r\n"):rep(50000)
    fs.write(path, bytes)
    local chat = bot(store)
    local message = chat:post "the log"
    local sent = chat:upload { file = path, title = "Log", comment = "a < b", thread = message }
    expect(sent.url):contains "/F1"
    local file = store.files[1]
    expect(file.bytes == bytes):equals(true)
    expect(file.name):equals "über \"x\".log"
    expect(file.comment):equals "a &lt; b"
    expect(file.thread_ts):equals(message.ts)
  end)

  it("knows that files want an ID, and finds it out by posting", function()
    local store <close> = store_of "slack"
    local path = test.temp_dir() .. "/a.log"
    fs.write(path, "x")
    local chat = bot(store, { channel = "#builds" })
    local err = expect(function() chat:upload { file = path } end):raises "usage"
    expect(err.message):contains "wants the channel's ID"
    chat:post "hello"
    chat:upload { file = path }
    expect(store.files[1].channel):equals "C024BE91L"
  end)

  it("says in Slack's words what is refused, and how to mend it", function()
    local store <close> = store_of("slack", { others = { C9 = "secret" } })
    local function fails(o, kind)
      return expect(function() bot(store, o):post "x" end):raises(kind)
    end
    local err = fails({ channel = "C0" }, "rejected")
    expect(err.reason):equals "channel_not_found"
    expect(err.message):contains "slack: cannot post to C0: Slack says channel_not_found"
    expect(fails({ channel = "C9" }, "rejected").message):contains "invite the bot"
    local auth = fails({ token = "xoxb-wrong-token-of-nobody" }, "auth")
    expect(auth.reason):equals "invalid_auth"
    expect(auth.retryable):equals(false)
    store:fail("chat.postMessage", 1,
      { status = 200, json = { ok = false, error = "missing_scope", needed = "chat:write" } })
    expect(fails({}, "auth").message):contains "the scope chat:write"
    expect(store:count "chat.postMessage"):equals(4)
  end)

  it("waits when it is asked to, and posts once", function()
    local store <close> = store_of "slack"
    store:fail("chat.postMessage", 1, { status = 429, headers = { ["Retry-After"] = "0" },
      json = { ok = false, error = "ratelimited" } })
    bot(store):post "hello"
    expect(#store.messages):equals(1)
    store:fail("chat.postMessage", "always", { status = 429, headers = { ["Retry-After"] = "0" },
      json = { ok = false, error = "ratelimited" } })
    local err = expect(function() bot(store):post "x" end):raises "status"
    expect(err.status):equals(429)
    expect(err.retry_after):equals(0)
    expect(err.attempts):equals(3)
  end)

  it("does not wait an hour", function()
    local store <close> = store_of "slack"
    store:fail("chat.postMessage", 1, { status = 429, headers = { ["Retry-After"] = "3600" },
      json = { ok = false, error = "ratelimited" } })
    local err = expect(function() bot(store, { retry = { attempts = 3 } }):post "x" end)
      :raises "status"
    expect(err.message):contains "Slack says ratelimited; try again in 1h 00m"
    expect(store:count "chat.postMessage"):equals(1)
  end)

  it("does not post twice where an answer is lost, but updates again", function()
    local store <close> = store_of "slack"
    local chat = bot(store)
    local message = chat:post "one"
    store:fail("chat.postMessage", 1, { lost = true })
    expect(function() chat:post "two" end):raises "network"
    expect(#store.messages):equals(2)
    store:fail("chat.update", 1, { lost = true })
    message:update "three"
    expect(store.messages[1].edits):equals(2)
    store:fail("chat.update", "always", { status = 503, body = "down" })
    expect(function() message:update "four" end):raises { kind = "status", status = 503 }
  end)
end)

describe("notify.slack with a webhook", function()
  it("posts only", function()
    local store <close> = store_of "slack"
    local chat = notify.slack { webhook = store.webhook }
    local message = chat:post { title = "Build", text = "a < b", color = "danger" }
    expect(json.encode(store.messages[1].attachments)):contains "a &lt; b"
    local err = expect(function() message:update "x" end):raises "usage"
    expect(err.message):contains "slack cannot change a message once it is posted"
    expect(function() chat:upload { file = "x" } end):raises "usage"
    message:reply "done"
    expect(#store.messages):equals(2)
  end)

  it("never shows its URL", function()
    local store <close> = store_of "slack"
    local secret = "abcdefghijklmnopqrstuvwx"
    local gone = notify.slack { retry = false,
      webhook = store.url .. "/services/T00000000/B00000000/" .. secret }
    local err = expect(function() gone:post "x" end):raises "auth"
    expect(err.reason):equals "invalid_token"
    local nobody = notify.slack { retry = false, webhook = "http://127.0.0.1:9/services/T/B/" .. secret }
    local down = expect(function() nobody:post "x" end):raises "network"
    for _, one in ipairs { err, down } do
      for _, value in pairs(one) do
        if type(value) == "string" then expect(value).never:contains(secret) end
      end
    end
    expect(orch.secrets.redact("see " .. secret)):equals "see ***"
  end)
end)

describe("notify.discord", function()
  it("posts, changes, mentions nobody, and sends files", function()
    local store <close> = store_of "discord"
    local chat = notify.discord { webhook = store.webhook, retry = FAST }
    local message = chat:post "hello @everyone"
    expect(store.messages[1].mentions):equals {}
    expect(message.id):equals "9000"
    message:update { title = "Build", text = "done", color = "good", fields = { { "a", "" } } }
    local embed = store.messages[1].embeds[1]
    expect(embed.title):equals "Build"
    expect(embed.color):equals(0x2eb67d)
    expect(store.messages[1].edits):equals(1)
    local path = test.temp_dir() .. "/game.log"
    fs.write(path, "\0\1\2" .. ("x"):rep(5000))
    chat:upload { file = path, comment = "the log" }
    expect(store.messages[2].files[1].body):equals(fs.read(path))
    expect(store.messages[2].files[1].filename):equals "game.log"
    expect(store.messages[2].content):equals "the log"
    notify.discord({ webhook = store.webhook, mentions = { "everyone" } }):post "wake up @everyone"
    expect(store.messages[3].mentions):equals { "everyone" }
  end)

  it("keeps to the lengths that there are", function()
    local store <close> = store_of "discord"
    local chat = notify.discord { webhook = store.webhook }
    chat:post(("ä"):rep(3000))
    expect(utf8.len(store.messages[1].content)):equals(2000)
    local fields = {}
    for i = 1, 40 do fields[i] = { "name " .. i, ("v"):rep(2000) } end
    chat:post { title = ("t"):rep(400), text = ("x"):rep(9000), fields = fields }
    expect(#store.messages):equals(2)
  end)

  it("waits by the headers before a limit is hit", function()
    local store <close> = store_of("discord", { limit = 2, reset = 0.2 })
    local chat = notify.discord { webhook = store.webhook, retry = false }
    for i = 1, 5 do chat:post("message " .. i) end
    expect(#store.messages):equals(5)
    expect(store.refused):equals(0)
  end)

  it("says what is refused", function()
    local store <close> = store_of "discord"
    local function fails(url, kind)
      return expect(function() notify.discord({ webhook = url, retry = false }):post "x" end)
        :raises(kind)
    end
    local err = fails(store.webhook .. "x", "auth")
    expect(err.message):contains "discord: cannot post to discord: Invalid Webhook Token (50027)"
    expect(fails(store.url .. "/api/webhooks/1/abc", "auth").message):contains "Unknown Webhook"
    local chat = notify.discord { webhook = store.webhook }
    expect(function() chat:message({ service = "discord", id = "1" }):update "x" end)
      :raises { kind = "rejected", reason = "10008" }
    expect(function() chat:post { blocks = { { fields = { { name = "", value = "" } } } } } end)
      :raises { kind = "rejected" }
  end)
end)

describe("a channel that is asked by many tasks at once", function()
  it("loses no message to the limits of its service", function()
    local store <close> = store_of("discord", { limit = 5, reset = 0.1 })
    local chat = notify.discord { webhook = store.webhook }
    local list = {}
    for i = 1, 60 do list[i] = "message " .. i end
    orch.each(list, function(text) chat:post(text) end, { concurrency = 60 })
    expect(#store.messages):equals(60)
    expect(store.refused):greater_than(0)
    expect(store.refused):less_than(60) -- nobody insists
  end)
end)

describe("notify.teams", function()
  it("posts a card", function()
    local store <close> = store_of "teams"
    local chat = notify.teams { webhook = store.webhook }
    chat:post { title = "Build", text = "one\ntwo\n```\ncode\n```", color = "warning",
      fields = { { "Jobs", 3 } }, link = "https://host/x" }
    local card = store.cards[1]
    expect(card.body[1].color):equals "Warning"
    expect(card.body[2].text):equals "one\n\ntwo"
    expect(card.body[3].fontType):equals "Monospace"
    expect(card.body[4].facts):equals { { title = "Jobs", value = "3" } }
    expect(card.actions[1].url):equals "https://host/x"
    chat:post(("x"):rep(100000))
    expect(#store.cards):equals(2)
  end)

  it("cuts by bytes what Teams would not take, whatever its characters", function()
    local store <close> = store_of "teams"
    local chat = notify.teams { webhook = store.webhook }
    local fields = {}
    for i = 1, 40 do fields[i] = { "field " .. i, ("ü"):rep(1000) } end
    chat:post(("日"):rep(15000))
    chat:post { text = ('"'):rep(15000), fields = fields }
    expect(store.cards[1].body[1].text):matches "…$"
    expect(#store.cards[2].body[2].facts):equals(40)
  end)

  it("knows that connectors are gone, and says what a workflow refuses", function()
    local err = expect(function()
      notify.teams { webhook = "https://studio.webhook.office.com/webhookb2/abc" }
    end):raises "usage"
    expect(err.message):contains "retired in May 2026"
    local store <close> = store_of "teams"
    local other = store.webhook:gsub("sig=.*", "sig=wrongwrongwrong")
    err = expect(function() notify.teams({ webhook = other, retry = false }):post "x" end)
      :raises "auth"
    expect(err.message):contains "authenticated only by Shared Access scheme"
    expect(err.message).never:contains "wrongwrong"
    expect(function()
      notify.teams({ webhook = store.webhook }):post { blocks = { { type = "Nothing" } } }
    end):raises { kind = "rejected", reason = "InvalidRequest" }
  end)
end)

describe("notify.webhook", function()
  it("signs what a receiver can verify, and repeats with the same delivery", function()
    local got, lose = {}, 1
    local server <close> = orch.http.serve(function(request)
      got[#got + 1] = { message = notify.verify(request, { secret = { "old secret", "a secret" } }),
        delivery = request.headers["x-orch-delivery"] }
      lose = lose - 1
      if lose >= 0 then return { close = true } end
    end)
    local hook = notify.webhook { url = server.url .. "/hooks/x", secret = "a secret", retry = FAST }
    local message = hook:post { title = "Build", fields = { { "a", true } }, link = "https://h/x" }
    expect(#got):equals(2)
    expect(got[1].delivery):equals(got[2].delivery)
    expect(got[1].message.event):equals "post"
    expect(got[1].message.fields):equals { { name = "a", value = "true" } }
    message:update "done"
    expect(got[3].message.event):equals "update"
    expect(got[3].message.id):equals(message.id)
    expect(message:reply("more").id).never:equals(message.id)
    expect(got[4].message.in_reply_to):equals(message.id)
  end)

  it("refuses a body, a secret or a time that is not right", function()
    local body, now = '{"a":1}', 1790000000
    local sign = orch.hash.hmac("sha256", "key of mine", ("v1:%d:%s"):format(now, body))
    local headers = { ["x-orch-timestamp"] = tostring(now), ["x-orch-signature"] = "v1=" .. sign }
    local function verify(more)
      local o = { body = body, headers = headers, secret = "key of mine", now = now + 10 }
      for key, value in pairs(more) do o[key] = value end
      return notify.verify({ body = o.body, headers = o.headers },
        { secret = o.secret, now = o.now, tolerance = o.tolerance })
    end
    expect(verify {}):equals { a = 1 }
    expect(function() verify { body = '{"a":2}' } end):raises { kind = "auth", reason = "signature" }
    expect(function() verify { secret = "another" } end):raises { reason = "signature" }
    expect(function() verify { headers = {} } end):raises { reason = "missing" }
    expect(function() verify { now = now + 301 } end):raises { reason = "expired" }
    expect(function() verify { now = now - 301 } end):raises { reason = "expired" }
    expect(verify { now = now + 3000, tolerance = "1h" }):equals { a = 1 }
  end)
end)

describe("commit statuses", function()
  local SHA = ("0123456789"):rep(4)

  it("of GitHub: state, context, 140 characters, the commit of the environment", function()
    local store <close> = store_of("github", { commits = { SHA } })
    local _ <close> = orch.with_env { GITHUB_SHA = SHA, GITHUB_REPOSITORY = "studio/game",
      GITHUB_EVENT_PATH = false, GITHUB_TOKEN = store.token, GITHUB_API_URL = store.url }
    local status = notify.github_status { context = "nightly" }
    local handle = status:post { state = "pending", text = "building" }
    handle:update { color = "danger", title = "Build", text = ("x"):rep(300), link = "https://h/1" }
    expect(store.statuses[1]):equals { sha = SHA, state = "pending", context = "nightly",
      description = "building" }
    expect(store.statuses[2].state):equals "failure"
    expect(utf8.len(store.statuses[2].description)):equals(140)
    expect(function() status:post { state = "done", text = "x" } end):raises "usage"
  end)

  it("of GitHub: what is shown of a pull request is its head, not the merge", function()
    local head = ("ab"):rep(20)
    local store <close> = store_of("github", { commits = { head } })
    local path = test.temp_dir() .. "/event.json"
    json.save(path, { pull_request = { head = { sha = head } } })
    local _ <close> = orch.with_env { GITHUB_SHA = SHA, GITHUB_EVENT_PATH = path }
    notify.github_status { repo = "studio/game", token = store.token, base_url = store.url }
      :post "building"
    expect(store.statuses[1].sha):equals(head)
  end)

  it("of GitHub: refusals in its words", function()
    local store <close> = store_of("github", { commits = { SHA } })
    local function fails(more, kind)
      local o = { token = store.token, repo = "studio/game", commit = SHA, base_url = store.url,
        retry = false }
      for key, value in pairs(more) do o[key] = value end
      return expect(function() notify.github_status(o):post "x" end):raises(kind)
    end
    expect(fails({ token = "ghp_nobody_knows_this" }, "auth").message):contains "Bad credentials"
    expect(fails({ repo = "a/b" }, "rejected").message):contains "Not Found"
    expect(fails({ commit = ("a"):rep(40) }, "rejected").message)
      :contains "No commit found for SHA"
    expect(fails({ commit = "4f2c" }, "usage").message):contains "the full hash"
    store:fail("POST", 1, { status = 403, headers = { ["Retry-After"] = "7" },
      json = { message = "You have exceeded a secondary rate limit" } })
    expect(fails({}, "status").retry_after):equals(7)
  end)

  it("of GitLab: the states that it has, and one that is set already", function()
    local store <close> = store_of("gitlab", { commits = { SHA } })
    local status = notify.gitlab_status { token = store.token, project = "studio/game",
      commit = SHA, base_url = store.url .. "/api/v4", ref = "main" }
    status:post { state = "running", text = "building" }
    status:post { state = "running", text = "still building" }
    status:post { state = "pending", text = "late" }
    store:fail("POST", 1, { status = 400, json = { message = "Cannot transition status via "
      .. ":success from :canceled (Reason(s): Status cannot transition via \"success\")" } })
    expect(function() status:post { color = "good", text = "done" } end):raises "rejected"
    status:post { color = "danger", text = "failed" }
    expect(#store.statuses):equals(2)
    expect(store.statuses[2].state):equals "failed"
    expect(store.statuses[2].ref):equals "main"
    local other = notify.gitlab_status { token = "glpat-nobody-has-this", project = 42,
      commit = SHA, base_url = store.url .. "/api/v4" }
    local err = expect(function() other:post "x" end):raises "auth"
    expect(err.message):contains "401 Unauthorized"
  end)

  it("take the commit from git, or say that there is none", function()
    local dir = test.temp_dir()
    local _ <close> = orch.cd(dir)
    local _ <close> = orch.with_env { GITHUB_SHA = false, GIT_CEILING_DIRECTORIES = "/" }
    local commit = require "orch.notify.commit"
    expect(function() commit.find("f", nil, { "GITHUB_SHA" }) end):raises "usage"
    orch.sh "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"
    expect(commit.find("f", nil, { "GITHUB_SHA" })):matches "^%x+$"
  end)
end)

describe("what is posted", function()
  it("is checked before anything is sent", function()
    local chat = notify.slack { webhook = "http://127.0.0.1:9/services/T/B/aaaaaaaaaaaaaaaaaaaaaaaa" }
    for _, wrong in ipairs { {}, "", true, { text = {} }, { text = "x", color = "red" },
      { text = "x", fields = { a = "b" } }, { text = "x", fields = { { "a" } } },
      { text = "x", link = "javascript:alert(1)" }, { text = "x", link = "https://h/a|b" },
      { txt = "x" } }
    do
      expect(function() chat:post(wrong) end):raises "usage"
    end
    expect(function() chat.post "x" end):raises "usage"
    expect(function() return chat.pots end):raises "usage"
    expect(function() return notify.slak end):raises "usage"
    expect(function() notify.slack { channel = "C1", webhook = "http://h/x" } end):raises "usage"
    local _ <close> = orch.with_env { SLACK_BOT_TOKEN = false }
    local _ <close> = orch.cd(test.temp_dir())
    local err = expect(function() notify.slack { channel = "C1" } end):raises "usage"
    expect(err.message):contains "set SLACK_BOT_TOKEN"
  end)

  it("has no secret in it, and is UTF-8", function()
    local store <close> = store_of "slack"
    orch.secrets.mask "hunter2hunter2"
    bot(store):post { text = "it is hunter2hunter2 \xff" }
    expect(store.messages[1].text):equals "it is *** \u{FFFD}"
  end)
end)
