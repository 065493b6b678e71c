-- Where deploy.lua uploads to, whom it tells, and where it writes down what it did.
--
--   local connect = services.real()      names the keys that are missing, before anything runs
--   local net <close> = connect()        net.google, net.apple, net.ftp, net.chat, net.db
--
-- `services["local"]` has stand-ins on this machine: an FTP server, and those with which orch
-- itself is tested (tests/stores). They check keys, signatures and every byte, as the real
-- ones do, and begin empty with each job.
local fs, notify = orch.fs, orch.notify

local services = {}

-- Nothing is opened before it is used: a database that is down keeps nobody from the chat.
local function open_database(target)
  return target:find "^postgres" and orch.db.postgres(target) or orch.db.sqlite(target)
end

-- In SQLite and in PostgreSQL.
services.create_release = [[CREATE TABLE IF NOT EXISTS release (version TEXT, build TEXT,
  channel TEXT, platform TEXT, bytes BIGINT, PRIMARY KEY (version, build, channel, platform))]]
services.insert_release = [[INSERT INTO release (version, build, channel, platform, bytes)
  VALUES (:version, :build, :channel, :platform, :bytes)
  ON CONFLICT (version, build, channel, platform) DO UPDATE SET bytes = excluded.bytes]]

-- Closes what was opened, the last first.
local function together(net, opened)
  return setmetatable(net, { __close = function()
    for i = #opened, 1, -1 do getmetatable(opened[i]).__close(opened[i]) end
  end })
end

function services.real()
  local keys = orch.secrets {
    PLAY_JSON = { command = { "op", "read", "op://ci/google-play/key.json" } },
    ASC_KEY = { path = "keys/AuthKey.p8" }, "ASC_KEY_ID", "ASC_ISSUER_ID",
    "FTP_USER", "FTP_PASSWORD", "SLACK_BOT_TOKEN", "DATABASE_URL",
  }
  return function()
    local database = open_database(keys.DATABASE_URL)
    return together({
      google = { package = "com.example.cat", key = keys.PLAY_JSON },
      apple = { app = "com.example.cat", key = keys.ASC_KEY, key_id = keys.ASC_KEY_ID,
        issuer_id = keys.ASC_ISSUER_ID },
      ftp = { url = "ftps://builds.example.com/game/", user = keys.FTP_USER,
        password = keys.FTP_PASSWORD },
      chat = notify.slack { token = keys.SLACK_BOT_TOKEN, channel = "C024BE91L" },
      db = database,
    }, { database })
  end
end

local SECONDS = tonumber(os.getenv "MOCK_SECONDS") or 1 -- how long an upload takes, about

local function stand_in(name, options)
  return dofile("tests/stores/" .. name .. ".lua").start(options)
end

-- What the chat looks like in the end.
local function transcript(messages)
  return setmetatable({}, { __close = function()
    if messages[1] then orch.json.save("build/demo/chat.json", messages) end
  end })
end

local function connect_local()
  if not (orch.process.which "vsftpd" or fs.exists "/usr/sbin/vsftpd") then
    error("there is no vsftpd for the FTP server: sh scripts/install-packages.sh demo", 0)
  end
  local folder = fs.path.absolute "build/demo/server"
  fs.mkdir(folder .. "/ftp")
  local ftp = dofile("tests/helper/real.lua").vsftpd(folder, folder .. "/ftp")
  local google = stand_in("google_play", { delay = 2 * SECONDS })
  local apple = stand_in("app_store", { delay = 3 * SECONDS, processing = 1,
    key = fs.read "tests/data/jwt/rfc7515_a3.pem", part_size = 256 << 10,
    groups = { "internal", "beta", "production" } })
  apple:fail("PUT part", 2, { status = 503 }) -- as happens; the part is sent again
  local slack = stand_in("slack", {})
  local database = open_database "build/demo/published.db"
  return together({
    google = { package = google.package, key = google.key, base_url = google.url,
      part_size = "256K" },
    apple = { app = apple.bundle_id, key = apple.key, key_id = apple.key_id,
      issuer_id = apple.issuer_id, base_url = apple.url, poll = 0.2 * SECONDS },
    ftp = { url = ("ftp://127.0.0.1:%d/"):format(ftp.ports[1]) },
    chat = notify.slack { token = slack.token, channel = slack.first,
      base_url = slack.url .. "/api" },
    db = database,
  }, { ftp, google, apple, slack, database, transcript(slack.messages) })
end

services["local"] = function() return connect_local end

return services
