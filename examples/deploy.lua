-- Builds a game for three platforms, reads the logs, checks the assets, packs what is sent, and
-- uploads to three places at once: WebGL by FTP, Android to Google Play, iOS to TestFlight. A
-- message in the team's chat is kept up to date meanwhile, and a database remembers it.
--
--   orch run examples/deploy.lua                    once more: nothing is left to do
--   orch run examples/deploy.lua --dry-run          says what would run, and why
--   orch run examples/deploy.lua --rehearse --ui plain      asks the services, sends nothing
--   orch run examples/deploy.lua --channel beta     only uploads again
--   orch run examples/deploy.lua --broken ios       what a failure looks like
--   orch resume                                     goes on after Ctrl-C or kill -9
--   orch run examples/deploy.lua --services real --build 872     yours, with keys of your own
--
-- The compilers are fakes, and the services stand-ins on this machine that speak as the real
-- ones do: it runs anywhere.
local fs, json, notify = orch.fs, orch.json, orch.notify
local severity = require "severity"
local services, uploads = require "deploy.services", require "deploy.uploads"

local p = orch.params {
  channel = { "internal", choices = { "internal", "beta", "production" }, help = "who gets it" },
  version = { "1.0", help = "what players see" },
  build = { os.getenv "BUILD_NUMBER" or "1", help = "higher for each upload: the number CI gives" },
  services = { "local", choices = { "local", "real" }, help = "stand-ins, or the real ones" },
  rehearse = { false, help = "check keys and files, ask what is there, send nothing" },
  broken = { "none", choices = { "none", "android", "ios", "webgl" }, help = "fail this build" },
}
orch.pools { unity = 2 } -- there are two licences
local connect = services[p.services]() -- a key that is missing is told now

local project, out = "tests/data/builds/game-ci", "build/demo"
local platforms = { "android", "ios", "webgl" }

for _, platform in ipairs(platforms) do
  local dir = out .. "/" .. platform
  orch.job("build:" .. platform) {
    desc = "Build for " .. platform,
    inputs = { project .. "/**", "examples/deploy/compile.sh" }, outputs = { dir .. "/**" },
    env = { BROKEN = p.broken }, pools = "unity", timeout = "90m", stall = "10m",
    run = { { "sh", "examples/deploy/compile.sh", platform, p.version, p.build, project, dir } },
  }
end

orch.job "logs" {
  desc = "Find errors and warnings in the build logs",
  needs = "build:*", inputs = out .. "/*/build.log",
  run = function(job)
    local logs = fs.glob(out .. "/*/build.log")
    for _, found in ipairs(fs.scan(logs, severity, { caseless = true, matches = true }).matches) do
      if found.pattern ~= "time" then -- for the reports, and as annotations on GitHub
        job:problem { severity = found.pattern, message = found.text, file = found.path,
          line = found.line }
      end
    end
  end,
}

orch.job "checks" {
  desc = "Check the assets", inputs = project .. "/**",
  run = function() -- the job itself knows what has changed
    orch.check.run { folder = project, only = { "files.*", "texture.*" }, cache = false }
  end,
}

orch.job "package" {
  desc = "Pack the logs and symbols, and write a manifest",
  needs = "build:*", inputs = out .. "/{android,ios,webgl}/**",
  outputs = { out .. "/logs.tar.zst", out .. "/manifest.json" },
  run = function()
    orch.archive.create(out .. "/logs.tar.zst", { folder = out, include = "*/build.log" })
    local manifest = {}
    for _, platform in ipairs(platforms) do
      local dir, sha256 = out .. "/" .. platform, {}
      for file in fs.walk(dir, { type = "file" }) do sha256[file.path] = fs.hash(file.path) end
      manifest[platform] = { bytes = fs.size(dir), sha256 = sha256 }
      print(("%-8s %5.1f MB"):format(platform, manifest[platform].bytes / 1e6))
    end
    json.save(out .. "/manifest.json", manifest)
  end,
}

orch.job "publish" {
  desc = "Upload all builds at once and keep the chat up to date",
  needs = { "logs", "checks", "package" }, inputs = out .. "/manifest.json",
  retry = { attempts = 3, base = "2s" }, -- what is uploaded stays uploaded
  confirm = p.channel == "production" and "Give " .. p.version .. " to all players?",
  run = function(job)
    local net <close> = connect()
    local function upload(platform, tell)
      return orch.step("upload " .. platform, uploads[platform], net, { channel = p.channel,
        folder = out .. "/" .. platform, version = p.version, number = p.build,
        dry_run = p.rehearse, progress = tell })
    end
    if p.rehearse then
      return orch.each(platforms, function(platform) print(upload(platform).would) end)
    end

    local live <close> = notify.live(net.chat, { title = p.version .. " to " .. p.channel })
    net.db:exec(services.create_release) -- if it is down, nothing has been sent yet
    local shares = { android = 0, ios = 0, webgl = 0 } -- that have arrived, up to 1
    orch.each(platforms, function(platform)
      local ok, result = orch.try(upload, platform, function(done, total)
        live:set(platform, { done = done, total = total })
        shares[platform] = done / total
        job:progress(shares.android + shares.ios + shares.webgl, #platforms, "uploads")
      end)
      if not ok then
        live:set(platform, { state = "failed", text = result.message })
        error(result, 0)
      end
      live:set(platform, { state = "ok", text = result.skipped and "was there"
        or ("%.1f MB in %.1f s"):format(result.bytes / 1e6, result.elapsed) })
      net.db:exec(services.insert_release, { version = p.version, build = p.build,
        channel = p.channel, platform = platform, bytes = result.size })
    end, { collect = true }) -- one that fails does not stop the others
  end,
}

orch.job "notify" {
  desc = "Tell the team about a failure", when = "failure",
  run = function()
    local net <close> = connect()
    net.chat:post(notify.summary())
  end,
}

orch.job "clean" { desc = "Remove the builds", run = { { "rm", "-rf", out } } }
orch.default("publish", "notify")
