-- What is told about a run of a pipeline: by its jobs, at its end, while it goes on, and after
-- it was killed.

local json, notify = orch.json, orch.notify
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local pipelines = dofile(here .. "/helper/pipeline.lua")

local function slack(o)
  return dofile(here .. "/stores/slack.lua").start(o)
end

local CHAT = [[
local chat = orch.notify.slack { token = os.getenv "TOKEN", channel = "C024BE91L",
  base_url = os.getenv "SLACK", retry = false }
]]

local function run(project, store, ...)
  local words = { "run", "--ui", "plain", "deploy.lua", ... }
  return project:orch(words, { TOKEN = store.token, SLACK = store.url .. "/api", CI_JOB_URL = false,
    GITHUB_RUN_ID = false, BUILD_URL = false })
end

local function shown(message)
  return json.encode { text = message.text, attachments = message.attachments,
    blocks = message.blocks }
end

describe("notify.at_end", function()
  it("posts how a run went, and changes nothing about its end", function()
    local store <close> = slack()
    local project = pipelines.new(CHAT .. [[
orch.notify.at_end(chat, { link = "https://ci/7" })
orch.job "build" { run = function(job)
  job:problem { message = "unused variable" }
end }
orch.job "sign" { needs = "build", run = "echo signing; echo no such key >&2; exit 3" }
orch.job "upload" { needs = "sign", run = "true" }
]])
    local result = run(project, store)
    expect(result.exit_code):equals(1)
    local text = shown(store.messages[1])
    expect(text):contains "❌ deploy.lua failed"
    expect(text):contains "sign: "
    expect(text):contains "no such key"
    expect(text):contains "1 failed, 1 cancelled, 1 ok"
    expect(text):contains "https://ci/7"
    expect(text):contains "*Warnings*\\n1"
    expect(store.messages[1].attachments[1].color):equals "#e01e5a"
    project:write("deploy.lua", CHAT .. [[
orch.notify.at_end(chat)
orch.job "build" { run = "true" }
]])
    expect(run(project, store).exit_code):equals(0)
    expect(shown(store.messages[2])):contains "✅ deploy.lua succeeded"
  end)

  it("is for failures, or for changes, where the script says so", function()
    local store <close> = slack()
    local function script(when, command)
      return CHAT .. ([[
orch.notify.at_end(chat, { when = %q })
orch.job "build" { run = %q }
]]):format(when, command)
    end
    local project = pipelines.new(script("failure", "true"))
    run(project, store)
    expect(#store.messages):equals(0)
    project:write("deploy.lua", script("failure", "false"))
    run(project, store)
    expect(#store.messages):equals(1)
    project:write("deploy.lua", script("change", "false"))
    run(project, store)
    expect(#store.messages):equals(1)
    project:write("deploy.lua", script("change", "true"))
    run(project, store)
    expect(#store.messages):equals(2)
    run(project, store)
    expect(#store.messages):equals(2)
    project:write("deploy.lua", script("change", "false"))
    run(project, store)
    expect(#store.messages):equals(3)
    run(project, store, "-n")
    expect(#store.messages):equals(3)
  end)

  it("waits a moment for a service that does not answer, and says so", function()
    local server = dofile(here .. "/helper/server.lua")
    local project = pipelines.new(CHAT .. [[
orch.notify.follow(chat, { grace = "1200ms" })
orch.job "build" { run = "exit 3" }
]])
    local silent = { token = "xoxb-nobody", url = "http://127.0.0.1:" .. server.port "silent" }
    local result = run(project, silent)
    expect(result.exit_code):equals(1)
    local before = result.stdout:match "^(.*)FAILED build"
    expect(before):contains "waiting for the services that are told how the run went\n"
    expect(before):contains "slack C024BE91L: the last state did not arrive within 1.2 s"
  end)

  it("is neither a failure nor a change when somebody ends the run", function()
    local store <close> = slack()
    local project = pipelines.new(CHAT .. [[
orch.notify.at_end(chat, { when = "failure", title = "failure" })
orch.notify.at_end(chat, { when = "change", title = "change" })
orch.job "build" { run = os.getenv "COMMAND" }
]])
    local env = { TOKEN = store.token, SLACK = store.url .. "/api" }
    local function titles()
      local list = {}
      for i, message in ipairs(store.messages) do list[i] = message.text end
      return table.concat(list, ", ")
    end
    local function ended(words)
      local _ <close> = orch.with_env(env)
      local _ <close> = orch.with_env { COMMAND = "touch there; exec sleep 30" }
      local process = project:start(words, '"job_start"')
      while not project:exists "there" do orch.sleep(0.01) end
      project:remove "there"
      process:signal "TERM"
      expect(process:wait().exit_code):equals(143)
    end
    local function finished(words, command)
      env.COMMAND = command
      return project:orch(words, env).exit_code
    end
    local RUN = { "run", "--ui", "plain", "deploy.lua" }
    ended(RUN)
    expect(finished({ "resume", "--yes" }, "true")):equals(0)
    expect(titles()):equals ""
    expect(finished(RUN, "exit 3")):equals(1)
    expect(titles()):equals "❌ failure failed, ❌ change failed"
    store.messages = {}
    ended { "resume", "--yes" }
    expect(finished({ "resume", "--yes" }, "exit 4")):equals(1)
    expect(titles()):equals "❌ failure failed"
    expect(finished({ "resume", "--yes" }, "true")):equals(0)
    expect(titles()):equals "❌ failure failed, ✅ change succeeded"
    expect(finished({ "run", "--ui", "plain", "--timeout", "300ms", "deploy.lua" }, "sleep 30"))
      :equals(5)
    expect(#store.messages):equals(4)
    expect(titles()):contains "🛑 change was interrupted"
    expect(finished(RUN, "true")):equals(0)
    expect(#store.messages):equals(5)
  end)

  it("costs a warning where the service is down", function()
    local project = pipelines.new(CHAT .. [[
orch.notify.at_end(chat)
orch.notify.follow(chat, { every = "50ms", grace = "1s" })
orch.job "build" { run = "sleep 0.2" }
]])
    local result = run(project, { token = "xoxb-nobody-listens", url = "http://127.0.0.1:9" })
    expect(result.exit_code):equals(0)
    expect(result.stdout):contains "notify.at_end: slack: cannot post to C024BE91L: cannot connect"
    expect(result.stdout):contains "notify.follow: slack: cannot post to C024BE91L: cannot connect"
    expect(result.stdout):matches "notify.follow: slack C024BE91L: %d+ deliver%a+ failed"
    expect(project:last "run_end".status):equals "ok"
  end)

  it("leaves the last word to the root cause", function()
    local project = pipelines.new(CHAT .. [[
orch.notify.at_end(chat)
orch.notify.follow(chat, { every = "50ms", grace = "1s" })
orch.job "build" { run = "exit 3" }
]])
    local nobody = { token = "xoxb-nobody-listens", url = "http://127.0.0.1:9" }
    for _, ui in ipairs { "plain", "live", "quiet", "github" } do
      local result = run(project, nobody, "--ui", ui)
      expect(result.exit_code):equals(1)
      expect(result.stderr):equals ""
      local before, cause = result.stdout:match "^(.*)FAILED build(.*)$"
      expect(before):contains "warn: notify.at_end: slack: cannot post"
      expect(before):matches "warn: notify.follow: slack C024BE91L: %d+ deliver"
      expect(cause):contains "orch run deploy.lua --only build"
      expect(cause).never:contains "notify"
    end
  end)

  it("stands at the top of a script with jobs", function()
    local store <close> = slack()
    local project = pipelines.new(CHAT .. [[
orch.job "build" { run = function() orch.notify.at_end(chat) end }
]])
    expect(run(project, store).stdout):contains "notify.at_end was called while the jobs run"
    project:write("deploy.lua", CHAT .. "orch.notify.at_end(chat)")
    local result = run(project, store)
    expect(result.exit_code):equals(2)
    result = project:orch({ "run", "deploy.lua" }, { TOKEN = store.token, SLACK = store.url })
    expect(result.stderr):contains "this one declares none"
  end)
end)

describe("notify.summary", function()
  it("is what a job that always runs can post", function()
    local store <close> = slack()
    local project = pipelines.new(CHAT .. [[
orch.job "build" { run = "echo building; exit 4" }
orch.job "tell" { when = "always", after = { "build" }, run = function()
  local s = orch.notify.summary { title = "Nightly", log = 0 }
  assert(s.status == "failed" and s.color == "danger" and #s.markdown > 100)
  chat:post(s)
end }
]])
    expect(run(project, store).exit_code):equals(1)
    local text = shown(store.messages[1])
    expect(text):contains "❌ Nightly failed"
    expect(text):contains "build: "
    expect(text):contains "1 failed"
    expect(text).never:contains "not finished"
    local _ <close> = orch.cd(project.folder)
    expect(notify.summary({ run = "last" }).title):equals "❌ deploy.lua failed"
    expect(function() notify.summary() end):raises "usage"
  end)
end)

describe("the text of a summary", function()
  it("has no more than one block of code, whatever is in the errors", function()
    local store <close> = slack()
    local project = pipelines.new(CHAT .. [[
orch.notify.at_end(chat)
orch.job "build" { run = function()
  print "```"
  error("no ``` here " .. ("long "):rep(200))
end }
]])
    run(project, store)
    local text = store.messages[1].attachments[1].blocks[1].text.text
    local _, fences = text:gsub("```", "")
    expect(fences):equals(2)
    expect(text):contains "no ''' here"
    expect(text):matches "```$"
  end)
end)

describe("notify.follow", function()
  it("shows the whole run in one message", function()
    local store <close> = slack()
    local project = pipelines.new(CHAT .. [[
orch.notify.follow(chat, { title = "Nightly", every = "30ms" })
orch.job "build" { run = function(job)
  for i = 1, 4 do job:progress(i, 4, "files") orch.sleep "40ms" end
end }
orch.job "upload" { needs = "build", run = "exit 3" }
]])
    expect(run(project, store).exit_code):equals(1)
    expect(#store.messages):equals(1)
    local message = store.messages[1]
    expect(message.edits):greater_than(1)
    expect(store.most_at_once):equals(1)
    expect(message.text):equals "❌ Nightly: 2 of 2"
    local text = shown(message)
    expect(text):matches "✅ build %d+ms"
    expect(text):contains "❌ upload"
    expect(text):matches "\"text\":\"Failed first: upload: [^\"]*\\n✅ build"
  end)

  it("goes on with the same message after a kill", function()
    local store <close> = slack()
    local project = pipelines.new(CHAT .. [[
orch.notify.follow(chat, { title = "Nightly", every = "10ms" })
orch.job "build" { run = "true" }
orch.job "upload" { needs = "build", run = function()
  local first = not io.open "second"
  io.open("second", "w"):close()
  if first then
    orch.step("begun", function() return true end)
    orch.sleep "30s"
  end
end }
]])
    local _ <close> = orch.with_env { TOKEN = store.token, SLACK = store.url .. "/api" }
    local process = project:start({ "run", "--ui", "plain", "deploy.lua" }, '"begun"')
    for _ = 1, 500 do
      if store.messages[1] and shown(store.messages[1]):find "✅ build" then break end
      orch.sleep(0.01)
    end
    process:signal "KILL"
    process:wait()
    expect(#store.messages):equals(1)
    expect(shown(store.messages[1])):contains "▶️ upload"
    local result = project:orch({ "resume" }, { TOKEN = store.token, SLACK = store.url .. "/api" })
    expect(result.exit_code):equals(0)
    expect(#store.messages):equals(1)
    expect(store.messages[1].text):equals "✅ Nightly: 2 of 2"
  end)
end)

describe("notify.live in a job", function()
  local SCRIPT = CHAT .. [[
orch.job "upload:ios" { run = function(job)
  for i = 1, 3 do job:progress(i, 3) orch.sleep "60ms" end
end }
orch.job "upload:android" { run = "sleep 0.1" }
orch.job "tell" { run = function()
  local live <close> = orch.notify.live(chat, { title = "Upload", every = "20ms", job = "upload:*" })
  live:note "by hand"
  live:set("own", { done = 1, total = 2 })
  local first = not io.open "second"
  io.open("second", "w"):close()
  orch.sleep "100ms"
  if first then
    while not io.open "go" do orch.sleep "20ms" end
    orch.sleep "30s"
  end
  orch.sleep "200ms"
end }
]]

  it("follows other jobs, and a resumed run updates the same message", function()
    local store <close> = slack()
    local project = pipelines.new(SCRIPT)
    local _ <close> = orch.with_env { TOKEN = store.token, SLACK = store.url .. "/api" }
    local process = project:start({ "run", "--ui", "plain", "deploy.lua" }, '"notify.live 1.1"')
    project:write("go", "")
    for _ = 1, 500 do
      if shown(store.messages[1]):find "✅ upload:ios" then break end
      orch.sleep(0.01)
    end
    process:signal "KILL"
    process:wait()
    local text = shown(store.messages[1])
    expect(text):contains "✅ upload:android"
    expect(text):contains "▶️ own ▓▓▓▓▓░░░░░ 50%"
    expect(text):contains "• by hand"
    expect(text).never:contains "tell"
    local result = project:orch({ "resume" }, { TOKEN = store.token, SLACK = store.url .. "/api" })
    expect(result.exit_code):equals(0)
    expect(#store.messages):equals(1)
    expect(store.messages[1].text):equals "✅ Upload: 3 of 3"
    expect(shown(store.messages[1])):contains "✅ own"
  end)

  it("posts another one for a message that is gone, and goes on with that", function()
    local store <close> = slack()
    local project = pipelines.new(CHAT .. [[
orch.job "tell" { run = function()
  local lives = {}
  orch.each({ "a", "b" }, function(name)
    local live <close> = orch.notify.live({ chat, chat }, { title = name, every = "10ms" })
    orch.sleep "20ms"
    live:note("one")
    while not io.open "go" do orch.sleep "10ms" end
  end)
end }
]])
    local _ <close> = orch.with_env { TOKEN = store.token, SLACK = store.url .. "/api" }
    local function count() return #store.messages end
    local function killed(words)
      local process = project:start(words, '"notify.live 2.2"')
      local texts = 0
      for _ = 1, 500 do
        texts = 0
        for _, message in ipairs(store.messages) do
          if shown(message):find "one" then texts = texts + 1 end
        end
        if texts == 4 then break end
        orch.sleep(0.01)
      end
      process:signal "KILL"
      process:wait()
      expect(count()):equals(4)
    end
    killed { "run", "--ui", "plain", "deploy.lua" }
    store.messages = {} -- somebody has deleted them
    killed { "resume", "--ui", "plain" }
    project:write("go", "")
    local result = project:orch({ "resume", "--ui", "plain" },
      { TOKEN = store.token, SLACK = store.url .. "/api" })
    expect(result.exit_code):equals(0)
    expect(result.stdout).never:contains "warn"
    expect(count()):equals(4)
    for _, message in ipairs(store.messages) do expect(message.text):matches "^✅ [ab]$" end
  end)
end)
