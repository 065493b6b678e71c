-- Builds a game for three platforms, reads the logs, weighs the builds, and uploads them to
-- three stores at once while a message in the team's chat is kept up to date.
--
--   orch run examples/deploy.lua                    once more: nothing is left to do
--   orch run examples/deploy.lua --channel beta     only uploads again; -n says so beforehand
--   orch run examples/deploy.lua --broken ios       what a failure looks like
--   orch resume                                     goes on after Ctrl-C or kill -9
--
-- The compilers, the stores and the chat are fakes, so that it runs anywhere.
local fs, json, severity = orch.fs, orch.json, require "severity"
local stores, fakes = require "deploy.stores", require "deploy.fakes"

local p = orch.params {
  channel = { "internal", choices = { "internal", "beta", "production" }, help = "who gets it" },
  version = { "1.0", help = "what players see" },
  broken = { "none", choices = { "none", "android", "ios", "windows" }, help = "fail this build" },
}
orch.pools { unity = 2 } -- there are two licences

local project, out = "tests/data/builds/game-ci", "build/demo"
local builds = {
  { platform = "android", file = "game.aab", upload = stores.google },
  { platform = "ios", file = "game.ipa", upload = stores.apple },
  { platform = "windows", file = "game.zip", upload = stores.own },
}

for _, build in ipairs(builds) do
  local dir = out .. "/" .. build.platform
  build.path = dir .. "/" .. build.file
  orch.job("build:" .. build.platform) {
    desc = "Build for " .. build.platform,
    inputs = { project .. "/**", "examples/deploy/compile.sh" },
    outputs = { build.path, dir .. "/build.log" },
    env = { BROKEN = p.broken },
    pools = "unity", timeout = "90m", stall = "10m",
    run = { { "sh", "examples/deploy/compile.sh", build.platform, p.version, project, dir } },
  }
end

orch.job "logs" {
  desc = "Find errors and warnings in the build logs",
  needs = "build:*", inputs = out .. "/*/build.log", outputs = out .. "/problems.json",
  run = function(job)
    local logs, problems = fs.glob(out .. "/*/build.log"), json.array {}
    local found = fs.scan(logs, severity, { caseless = true, matches = true })
    for _, match in ipairs(found.matches) do
      if match.pattern ~= "time" then
        table.insert(problems, { severity = match.pattern, message = match.text,
          file = match.path, line = match.line })
      end
    end
    job:problems(problems) -- for the reports, and as annotations on GitHub
    json.save(out .. "/problems.json", problems)
  end,
}

orch.job "measure" {
  desc = "Weigh the builds and write a manifest",
  needs = "build:*", inputs = out .. "/{android,ios,windows}/**", outputs = out .. "/manifest.json",
  run = function()
    local manifest = {}
    for _, build in ipairs(builds) do
      local files, bytes = {}, 0
      for file in fs.walk(fs.path.dirname(build.path), { type = "file", stat = true }) do
        table.insert(files, { path = file.path, bytes = file.size, sha256 = fs.hash(file.path) })
        bytes = bytes + file.size
      end
      table.sort(files, function(a, b) return a.bytes > b.bytes end)
      print(("%-8s %5.1f MB in %d files, the largest is %s"):format(build.platform,
        bytes / 1e6, #files, files[1].path))
      manifest[build.platform] = { bytes = bytes, files = files }
    end
    json.save(out .. "/manifest.json", manifest)
  end,
}

orch.job "publish" {
  desc = "Upload all builds at once and keep the chat up to date",
  needs = { "logs", "measure" }, inputs = out .. "/manifest.json",
  retry = { attempts = 3, base = "2s" }, -- steps that are done are not repeated
  confirm = p.channel == "production" and "Give " .. p.version .. " to all players?",
  run = function(job)
    local net <close> = fakes.serve() -- yours: the real addresses, and keys from orch.secrets
    local state = {}
    local function text()
      local parts = {}
      for i, build in ipairs(builds) do
        parts[i] = build.platform .. " " .. (state[build.platform] or "...")
      end
      return table.concat(parts, ", ")
    end
    local title = ("%s to %s: "):format(p.version, p.channel)

    local message = orch.step("post message", stores.chat, net.url, title .. "begins")
    job:every("500ms", function()
      job:message(text()) -- on the terminal and in the reports
      stores.chat(net.url, title .. text(), message)
    end)
    orch.each(builds, function(build)
      build.upload(net.url, build.path, p.channel, function(done, total)
        state[build.platform] = ("%d %%"):format(100 * done // total)
      end)
      state[build.platform] = "done"
    end, { collect = true }) -- one that fails does not stop the others
    stores.chat(net.url, title .. text(), message)
  end,
}

orch.job "notify" {
  desc = "Tell the team about a failure",
  when = "failure",
  run = function()
    local net <close> = fakes.serve()
    stores.chat(net.url, p.version .. " failed: orch show " .. os.getenv "ORCH_RUN")
  end,
}

orch.job "clean" { desc = "Remove the builds", run = { { "rm", "-rf", out } } }

orch.default("publish", "notify")
