-- The rules of this game. Change a number, save, and run: orch check

-- All that come with orch, but one.
check.use("*", "!texture.mips")
check.defaults { owner = "@tech-art" }

-- This game's own budgets: the first line that fits a file counts.
check.configure("texture.size", {
  config = { { "Assets/UI/**", max = 1024 }, { "Assets/Sky/**", max = 4096 }, { "**", max = 512 } },
})
check.configure("texture.name", { severity = "warning", files = "Assets/Props/*.png",
  config = { pattern = "^T_%w+_%u+$", like = "T_Crate_D", everywhere = true, leftovers = {} } })

-- What nobody here can mend.
check.ignore { "**/ThirdParty/**" }

check "level.spawns" {
  title = "Every level has a spawn point for each player",
  why = "The fourth player falls out of the world, and nobody tests with four.",
  files = "Assets/Levels/*.json",
  config = { players = 4 },
  docs = "https://wiki.example.net/levels#%s",
  run = function(file, cfg)
    local spawns = orch.json.load(file.path).spawns or {}
    if #spawns < cfg.players then
      file:error {
        "%d of %d players have a spawn point", #spawns, cfg.players,
        found = #spawns, wanted = cfg.players, pointer = "/spawns",
        hint = "add the missing ones in the level editor",
      }
    end
  end,
}
