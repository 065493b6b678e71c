-- Fonts. A game carries its fonts in it, which not every licence allows.
-- Then: orch check --rule "font.*"

check "font.embedding" {
  title = "Fonts may be part of the game",
  why = "A font whose maker forbids it costs a licence, or a lawyer, after the game is out.",
  severity = "warning",
  files = "**/*.{ttf,otf,ttc,otc,woff}",
  tags = { "header" },
  run = function(file)
    local font = orch.font.info(file.path)
    local rights = font.embedding or "installable"
    if rights:find "^restricted" then
      file:error { "'%s' may not be embedded, says the font itself", font.family or file.stem,
        found = rights, wanted = "installable or editable",
        hint = "buy a licence for apps and games, or take another font" }
    elseif rights:find "^preview" then
      file:problem { "'%s' may be embedded for preview and printing only", font.family or file.stem,
        found = rights, wanted = "installable or editable",
        hint = "ask its maker whether that includes games, then waive this" }
    end
  end,
}
