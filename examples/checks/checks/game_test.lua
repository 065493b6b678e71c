-- Tests of the rules of this game. Run: orch test checks

describe("level.spawns", function()
  it("wants one for each player", function()
    check.expect("level.spawns", { content = '{ "spawns": [1, 2, 3, 4] }' }):passes()
    check.expect("level.spawns", { content = '{ "spawns": [1, 2] }' }):fails { found = 2 }
    check.expect("level.spawns", { content = "{}" }):fails { found = 0, wanted = 4 }
  end)
end)

describe("the budgets of this game", function()
  it("are those of its folders", function()
    check.expect("texture.size", { width = 4096, path = "Assets/Sky/dawn.png" }):passes()
    check.expect("texture.size", { width = 1024, path = "Assets/UI/title.png" }):passes()
    check.expect("texture.size", { width = 1024, path = "Assets/Props/T_Crate_D.png" }):fails {
      wanted = "at most 512 px", fix = "resize" }
  end)
end)
