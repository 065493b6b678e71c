-- The text that `orch new pipeline` writes: a script that works as it is.

local TEXT = [==[
-- @FILE@: what this project's pipeline does.
--
--   orch list @FILE@                    the jobs, with what they are for
--   orch run -n @FILE@                  what would run, and why
--   orch run @FILE@                     run what has changed
--   orch run @FILE@ "build:*" -j 2      some jobs, two at a time
--   orch run @FILE@ --channel beta      with another value of a param
--
-- After a crash or Ctrl-C, `orch resume` goes on.

-- Params become options on the command line; the type is that of the default.
local p = orch.params {
  channel = { "internal", choices = { "internal", "beta", "production" },
    help = "where the builds go" },
  version = { "1.0", help = "what testers see" },
}

-- What there is only so much of: two builds at once, however many there are.
orch.pools { build = 2 }

-- Without `inputs` nothing is known about what a job reads: it runs again when its own
-- code, its params or what it needs have changed, or its outputs are gone.
orch.job "fetch" {
  desc = "Get the sources",
  outputs = { "out/source.txt" },
  run = [[
    mkdir -p out
    echo "the sources" > out/source.txt
  ]],
}

-- A matrix is a loop. A job that uses `p` runs again when any param has changed; these use
-- the version only.
local version = p.version
for _, platform in ipairs { "android", "ios", "windows" } do
  orch.job("build:" .. platform) {
    desc = "Build for " .. platform,
    needs = "fetch",
    inputs = { "out/source.txt" },
    outputs = { "out/game-" .. platform .. ".zip" },
    pools = { build = 1 },
    timeout = "90m",                     -- of one attempt
    stall = "10m",                       -- without a line of output
    retry = { attempts = 2, base = "5s" },
    run = function()
      print("building for " .. platform)
      orch.sleep "200ms"                 -- your compiler: orch.sh or orch.process.run
      orch.fs.write("out/game-" .. platform .. ".zip", platform .. " " .. version .. "\n")
      return { megabytes = 120 }         -- dependents can read it
    end,
  }
end

orch.job "measure" {
  desc = "Add up what the builds weigh",
  needs = "build:*",
  run = function()
    local total = 0
    for _, build in pairs(orch.results "build:*") do total = total + build.megabytes end
    print(("all builds together: %d MB"):format(total))
    return total
  end,
}

orch.job "publish" {
  desc = "Upload all builds to " .. p.channel,
  needs = { "build:*", "measure" },
  confirm = p.channel == "production" and "Ship " .. p.version .. " to everybody?",
  run = function()
    -- A step that is done is not repeated by `orch resume`.
    for _, platform in ipairs { "android", "ios", "windows" } do
      orch.step("upload " .. platform, function()
        print("uploading " .. platform)
        orch.sleep "100ms"               -- your store: orch.http.upload
      end)
    end
  end,
}

-- Runs whatever becomes of the others.
orch.job "notify" {
  desc = "Tell the team how it went",
  after = "publish",
  when = "always",
  run = function() print "telling the team" end,
}

-- What runs when no job is named; without this line, all of them.
orch.default("publish", "notify")
]==]

local new_pipeline = {}

---@param file string? default deploy.lua
---@return {[1]: string, [2]: string}[] files
---@return string words what to do next
function new_pipeline.files(file)
  file = file or "deploy.lua"
  if not file:find "%.lua$" then file = file .. ".lua" end
  return { { file, (TEXT:gsub("@FILE@", (file:gsub("%%", "%%%%")))) } },
    ("wrote %s; look at it, and try:\n  orch list %s\n  orch run -n %s\n  orch run %s"):format(
      file, file, file, file)
end

return new_pipeline
