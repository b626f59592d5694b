#include "mettagrid/objects/object_kinds.h"

#include "mettagrid/objects/converter.h"

namespace mettagrid {

const std::array<const ObjectKind*, std::variant_size_v<ObjectRules>> kObjectKinds = {
    &kConverterKind,
};

}  // namespace mettagrid
