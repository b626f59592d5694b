#include "mettagrid/actions/registry.h"

#include "mettagrid/actions/attack.h"
#include "mettagrid/actions/change_color.h"
#include "mettagrid/actions/change_glyph.h"
#include "mettagrid/actions/get_items.h"
#include "mettagrid/actions/move.h"
#include "mettagrid/actions/noop.h"
#include "mettagrid/actions/pick_block.h"
#include "mettagrid/actions/place_block.h"
#include "mettagrid/actions/put_items.h"
#include "mettagrid/actions/rotate.h"
#include "mettagrid/actions/share.h"
#include "mettagrid/actions/shield.h"
#include "mettagrid/actions/swap.h"
#include "mettagrid/actions/transfer.h"

namespace mettagrid {

const std::array<ActionRules, kNumActionKinds> kActionRules = {{
    {.act = Noop, .mask = MaskNoop},
    {.prepare = FaceMove, .act = Move, .mask = MaskMove},
    {.act = Rotate, .mask = MaskRotate},
    {.act = PutItems, .mask = MaskPutItems},
    {.act = GetItems, .mask = MaskGetItems},
    {.phase = Phase::kAttacks, .act = Attack, .mask = MaskAttack},
    {.act = Swap, .mask = MaskSwap},
    {.act = ChangeColor, .mask = MaskChangeColor},
    {.act = ChangeGlyph, .mask = MaskChangeGlyph},
    {.act = ToggleShield, .mask = MaskShield},
    {.act = Share, .mask = MaskShare},
    {.act = Transfer, .mask = MaskTransfer},
    {.act = PlaceBlock, .mask = MaskPlaceBlock},
    {.phase = Phase::kOpenings, .act = PickBlock, .mask = MaskPickBlock},
}};

}  // namespace mettagrid
