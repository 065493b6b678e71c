-- What goes where: a function for each platform, which is given the services, and the build
-- with `folder`, `version`, `number`, `channel`, `dry_run` and `progress(done, total)`.
--
-- Each asks first whether the build is there already, so that nothing is sent twice. Stores want
-- a higher number for each build: it is the one that CI gives, and the compilers put it in.
local deploy = orch.deploy

local uploads = {}

function uploads.android(net, build)
  return deploy.google_play.upload {
    file = build.folder .. "/game.aab", package = net.google.package, key = net.google.key,
    track = build.channel, notes = { ["en-US"] = "Version " .. build.version },
    base_url = net.google.base_url, part_size = net.google.part_size,
    dry_run = build.dry_run, progress = build.progress,
  }
end

-- The groups of testers are called as the channels are. Of a real .ipa, version and build are
-- read, and must be these. Whether it encrypts is for your lawyers to say.
function uploads.ios(net, build)
  local apple = net.apple
  return deploy.testflight.upload {
    file = build.folder .. "/game.ipa", app = apple.app, version = build.version,
    build = build.number, key = apple.key, key_id = apple.key_id, issuer_id = apple.issuer_id,
    groups = build.channel, notes = "Version " .. build.version, uses_encryption = false,
    base_url = apple.base_url, poll = apple.poll, dry_run = build.dry_run,
    progress = build.progress,
  }
end

-- All of a folder, over a few connections; players see the old one until the new one is whole.
function uploads.webgl(net, build)
  return deploy.ftp.upload {
    folder = build.folder .. "/site", url = net.ftp.url .. build.channel .. "/",
    user = net.ftp.user, password = net.ftp.password, switch = true,
    dry_run = build.dry_run, progress = build.progress,
  }
end

return uploads
