-- A message that is kept up to date: what arrives, how often, and that nobody waits for it.

local notify = orch.notify
local channels = require "orch.notify.channel"
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"

--- A channel without a network, which notes when it was asked what, and does as it is told.
local function fake(o)
  o = o or {}
  local log = { at_once = 0, most = 0 }
  local function call(what, c)
    log[#log + 1] = { what = what, at = orch.time() - log.started, title = c.title, text = c.text,
      color = c.color }
    log.at_once = log.at_once + 1
    log.most = math.max(log.most, log.at_once)
    local _ <close> = orch.defer(function() log.at_once = log.at_once - 1 end)
    if o.takes then orch.sleep(o.takes) end
    local fault = o.fault and o.fault(#log, what)
    if fault then orch.error(fault) end
    log.arrived = c
    return { service = "fake", id = tostring(#log) }
  end
  local adapter = { service = "fake", post = function(_, c) return call("post", c) end,
    update = o.posts_only == nil and function(_, _, c) call("update", c) end or nil,
    reply = function(_, c) return call("reply", c) end }
  log.started = orch.time()
  return channels.new(adapter, { name = o.name }, "fake"), log
end

local function warnings(fn)
  local list = {}
  local before = orch.log.sink(function(record) list[#list + 1] = record.message end)
  local _ <close> = orch.defer(function() orch.log.sink(before) end)
  fn()
  return list
end

local function times(log)
  local list = {}
  for i, one in ipairs(log) do list[i] = ("%s %.4g"):format(one.what, one.at) end
  return table.concat(list, ", ")
end

describe("notify.live", { clock = "virtual" }, function()
  it("posts once, updates in place at most every so often, and the end at once", function()
    local chat, log = fake()
    do
      local live <close> = notify.live(chat, { title = "Deploy", every = "2s" })
      orch.sleep(0)
      for i = 1, 50 do
        live:set("ios", { done = i, total = 50 })
        orch.sleep "100ms"
      end
      live:set("ios", { state = "ok" })
    end
    expect(times(log)):equals "post 0, update 2, update 4, update 5"
    expect(log.arrived.title):equals "✅ Deploy"
    expect(log.arrived.text):equals "✅ ios"
    expect(log.arrived.color):equals "good"
    expect(log[2].text):matches "^▶️ ios ▓▓▓▓░░░░░░ 4%d%%$"
    expect(log.most):equals(1)
  end)

  it("shows states, numbers, notes, a link, and what is left when it is over", function()
    local chat, log = fake()
    do
      local live <close> = notify.live({ chat }, { title = "Deploy", link = "https://h/x" })
      live:set("a", { state = "failed", text = "no route" })
      live:set("b", "halfway")
      live:set("c", { done = 1200 })
      live:set("d", { state = "skipped" })
      for i = 1, 7 do live:note("note " .. i) end
    end
    expect(log.arrived.title):equals "❌ Deploy: 4 of 4"
    expect(log.arrived.text):equals("❌ a: no route\n✅ b: halfway\n✅ c\n⏩ d\n• note 3\n• note 4\n"
      .. "• note 5\n• note 6\n• note 7")
    expect(log.arrived.color):equals "danger"
    expect(log.arrived.link.url):equals "https://h/x"
  end)

  it("is told of a hundred tasks at once with few requests, and shows the telling ones", function()
    local chat, log = fake { takes = 0.3 }
    do
      local live <close> = notify.live(chat, { title = "Many", every = 1 })
      local list = {}
      for i = 1, 100 do list[i] = i end
      orch.each(list, function(i)
        for step = 1, 20 do
          live:set("task " .. i, { done = step, total = 20 })
          orch.sleep(0.1)
        end
        live:set("task " .. i, { state = i == 77 and "failed" or "ok" })
      end, { concurrency = 100 })
    end
    expect(#log):less_than(6)
    expect(log.most):equals(1)
    expect(log.arrived.title):equals "❌ Many: 100 of 100"
    expect(log.arrived.text):contains "❌ task 77"
    expect(log.arrived.text):contains "… and 81 more: 81 ok"
  end)

  it("costs a warning and a count where nobody listens all the time", function()
    local chat, log = fake { takes = 0, fault = function()
      return { kind = "network", message = "fake: connection refused" }
    end }
    local started = orch.time()
    local said = warnings(function()
      local live <close> = notify.live(chat, { title = "Down", every = 2 })
      for i = 1, 600 do
        live:set("ios", { done = i, total = 600 })
        orch.sleep(1)
      end
    end)
    expect(orch.time() - started):equals(600)
    expect(#log):less_than(20) -- the pauses grow
    expect(said[1]):equals "notify.live: fake: connection refused; the run goes on"
    expect(said[2]):matches "^notify.live: fake: %d+ deliveries failed, the last state did not arrive$"
    expect(#said):equals(2)
  end)

  it("waits at most its grace for a service that does not answer", function()
    local chat, log = fake { takes = 3600 }
    local started
    local said = warnings(function()
      local live <close> = notify.live(chat, { title = "Silent", grace = "4s" })
      live:set("ios", { done = 1 })
      orch.sleep(10)
      started = orch.time()
    end)
    expect(orch.time() - started):equals(4)
    expect(#log):equals(1)
    expect(log.at_once):equals(0)
    expect(said):equals { "notify.live: fake: the last state did not arrive within 4 s" }
  end)

  it("leaves alone for so long who asks for it, also at the end", function()
    local chat, log = fake { fault = function(n)
      if n == 2 then
        return { kind = "status", status = 429, retry_after = 7, message = "fake: too many" }
      end
    end }
    warnings(function()
      local live <close> = notify.live(chat, { title = "Limited", every = 1, grace = 20 })
      orch.sleep(2)
      live:set("a", { done = 1 })
      orch.sleep(1)
      live:set("a", { done = 2 })
      orch.sleep(1)
    end)
    expect(times(log)):equals "post 0, update 2, update 9"
    expect(log.arrived.text):equals "✅ a"
  end)

  it("gives up who refuses for good, and posts once more what somebody has deleted", function()
    local refused = { kind = "auth", message = "fake: invalid_auth", retryable = false }
    local chat, log = fake { fault = function() return refused end }
    warnings(function()
      local live <close> = notify.live(chat, { every = 1 })
      for i = 1, 10 do live:set("a", { done = i }) orch.sleep(1) end
    end)
    expect(#log):equals(1)
    local deleted = { kind = "rejected", message = "fake: message_not_found", retryable = false }
    chat, log = fake { fault = function(_, what) return what == "update" and deleted or nil end }
    warnings(function()
      local live <close> = notify.live(chat, { every = 1 })
      for i = 1, 10 do live:set("a", { done = i }) orch.sleep(1) end
    end)
    expect(times(log)):equals "post 0, update 1, post 1, update 2"
  end)

  it("posts at the very end what nobody knows any more, without a warning", function()
    local deleted = { kind = "rejected", message = "fake: message_not_found", retryable = false }
    local chat, log = fake { fault = function(_, what) return what == "update" and deleted or nil end }
    local said = warnings(function()
      local live <close> = notify.live(chat, { title = "Gone" })
      live:set("a", { done = 1 })
      orch.sleep(1)
      live:set("a", { state = "ok" })
    end)
    expect(times(log)):equals "post 0, update 1, post 1"
    expect(log.arrived.title):equals "✅ Gone"
    expect(said):equals {}
  end)

  it("does not wait at the end for who wants to be left alone for an hour", function()
    local chat, log = fake { fault = function()
      return { kind = "status", status = 429, retry_after = 3600, message = "fake: too many" }
    end }
    local started
    local said = warnings(function()
      local live <close> = notify.live(chat, { title = "Limited" })
      live:set("a", { done = 1 })
      orch.sleep(1)
      started = orch.time()
    end)
    expect(orch.time()):equals(started)
    expect(#log):equals(1)
    expect(said[2]):equals "notify.live: fake: 1 delivery failed, the last state did not arrive"
  end)

  it("tells the beginning and the end where messages cannot be changed", function()
    local chat, log = fake { posts_only = true }
    do
      local live <close> = notify.live(chat, { title = "Mail" })
      for i = 1, 10 do live:set("a", { done = i }) orch.sleep(1) end
    end
    expect(times(log)):equals "post 0, reply 10"
  end)

  it("keeps each channel's own pace", function()
    local slow, slow_log = fake { takes = 10, name = "slow" }
    local quick, quick_log = fake { name = "quick" }
    do
      local live <close> = notify.live({ slow, quick }, { every = 1, grace = 30 })
      for i = 1, 5 do orch.sleep(1) live:set("a", { done = i }) end
    end
    expect(#quick_log):equals(6)
    expect(times(slow_log)):equals "post 0, update 10"
    expect(slow_log.arrived.text):equals "✅ a"
  end)

  it("says how it ended when it is cancelled, or the work fails", function()
    local chat, log = fake { takes = 0.5 }
    local ok = orch.move_on_after(3.2, function()
      local live <close> = notify.live(chat, { title = "Cut", every = 1 })
      live:set("a", { done = 1 })
      orch.sleep(2.9)
      live:set("a", { done = 2 })
      orch.sleep(60)
    end)
    expect(ok):equals(false)
    expect(log.arrived.title):equals "🚫 Cut"
    expect(log.arrived.text):equals "🚫 a"
    expect(log.most):equals(1)
    chat, log = fake()
    expect(function()
      local live <close> = notify.live(chat, { title = "Broken" })
      live:set("a", { done = 1 })
      error "out of disk"
    end):raises "out of disk"
    expect(log.arrived.title):equals "❌ Broken"
  end)

  it("lets a post that is on its way arrive, rather than post a second time", function()
    local chat, log = fake { takes = 0.5 }
    orch.move_on_after(0.2, function()
      local live <close> = notify.live(chat, { title = "Cut" })
      live:set("a", { done = 1 })
      orch.sleep(60)
    end)
    expect(times(log)):equals "post 0, update 0.5"
    expect(log.arrived.title):equals "🚫 Cut"
  end)

  it("takes no notice of what is said while it is being closed", function()
    local chat, log = fake { takes = 1 }
    local said = warnings(function()
      local live = notify.live(chat, { title = "Late" })
      local late = orch.spawn(function()
        orch.sleep(0.5)
        live:set("b", { done = 1 })
        live:note "late"
      end)
      live:set("a", { state = "ok" })
      live:close()
      late:await()
    end)
    expect(said):equals {}
    expect(log.arrived.text):equals "✅ a"
  end)

  it("has no more to say when it is closed", function()
    local chat, log = fake()
    local live <close> = notify.live(chat, { title = "Closed" })
    live:set("a", { done = 1 })
    live:close()
    live:set("a", { done = 2 })
    expect(#log):equals(1)
    expect(function() live:set("a", { state = "done" }) end):raises "usage"
    expect(function() notify.live({}, {}) end):raises "usage"
    expect(function() notify.live(chat, { job = true }) end):raises "usage"
    expect(function() notify.live("slack") end):raises "usage"
    for _, name in ipairs { "live", "at_end", "follow" } do
      expect(function() notify[name](chat, { link = "javascript:x" }) end):raises "usage"
    end
  end)
end)

describe("notify.live with a service", function()
  it("updates one message, while its first request is cut off", function()
    local store <close> = dofile(here .. "/stores/slack.lua").start { delay = 0.05 }
    local chat = notify.slack { token = store.token, channel = "C024BE91L",
      base_url = store.url .. "/api" }
    orch.move_on_after("20ms", function()
      local live <close> = notify.live(chat, { title = "Cut" })
      live:set("a", { done = 1, total = 2 })
      orch.sleep(5)
    end)
    expect(#store.messages):equals(1)
    expect(store.messages[1].text):equals "🚫 Cut"
    expect(store.most_at_once):equals(1)
  end)

  it("goes on without one that is gone", function()
    local chat = notify.slack { webhook = "http://127.0.0.1:9/services/T/B/abcdefghijklmnopqrstuv" }
    local said = warnings(function()
      local live <close> = notify.live(chat, { title = "Nobody" })
      live:set("a", { done = 1, total = 2 })
    end)
    expect(said[1]):contains "slack: cannot post to the webhook's channel: cannot connect"
  end)
end)
