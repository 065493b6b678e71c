-- The figures of archives. See ../figures.lua, which adds them to the others.
local ORCH = os.getenv "ORCH" or "build/orch"
local DATA = "build/bench/archive"

local function here(path) return "scripts/bench/archive/" .. path end

--- Both are timed from within one program, which makes and removes the folder.
local function variant(who, what, format)
  return { ORCH, "run", here "timed.lua", who, what, format, DATA, "$scratch" }
end

local function figure(name, title, what, format)
  local peer = variant("bsdtar", what, format)
  table.insert(peer, 1, "bsdtar")
  peer.bar = 0.9
  return { name = name, title = title, measure = "seconds", rounds = 3, scratch = true,
    server = { "/bin/sh", here "prepare.sh", DATA }, ours = variant("ours", what, format),
    peers = { peer } }
end

return {
  figure("zip", "1 GB to a zip (level 1)", "create", "zip"),
  figure("tar-zst", "1 GB to a tar.zst (level 3)", "create", "tar.zst"),
  figure("unzip", "a zip of 1 GB unpacked", "extract", "zip"),
  figure("untar-zst", "a tar.zst of 1 GB unpacked", "extract", "tar.zst"),
}
